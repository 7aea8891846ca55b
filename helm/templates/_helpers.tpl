{{/* Names and labels. */}}
{{- define "rentabook.name" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "rentabook.fullname" -}}
{{- $name := include "rentabook.name" . -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}
{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Of one part, `(list $ "rental")`: by these it is selected, so they never change. */}}
{{- define "rentabook.selector" -}}
{{- $root := first . -}}
app.kubernetes.io/name: {{ include "rentabook.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ last . }}
{{- end }}

{{/* Of its pods: without the chart's own version, which is nothing to restart for. */}}
{{- define "rentabook.podLabels" -}}
{{- $root := first . -}}
{{ include "rentabook.selector" . }}
app.kubernetes.io/part-of: rentabook
app.kubernetes.io/version: {{ $root.Values.image.tag | default $root.Chart.AppVersion | trunc 63 | quote }}
{{- end }}

{{- define "rentabook.labels" -}}
{{- $root := first . -}}
{{ include "rentabook.podLabels" . }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "rentabook.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (ternary (include "rentabook.fullname" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- define "rentabook.image" -}}
{{ .Values.image.repository }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{/* The services there are, and the file that each runs. */}}
{{- define "rentabook.services" -}}
router: router/main.ts
book: subgraphs/book/main.ts
rental: subgraphs/rental/main.ts
delivery: subgraphs/delivery/main.ts
customer: subgraphs/customer/main.ts
{{- if include "rentabook.on" (list . "sandbox") }}
sandbox: sandbox/main.ts
{{- end }}
{{- end }}

{{/* Those that have a database. */}}
{{- define "rentabook.owners" -}}
{{ omit (include "rentabook.services" . | fromYaml) "router" | keys | sortAlpha | toJson }}
{{- end }}

{{/* Whether a part of the trial is there, `(list $ "sandbox")`: "true" or "". */}}
{{- define "rentabook.on" -}}
{{- $trial := (first .).Values.evaluation -}}
{{ if dig (last .) "enabled" $trial.enabled $trial }}true{{ end }}
{{- end }}

{{/* By its values both are met by what runs without privileges on any node: the restricted Pod Security Standard. */}}
{{- define "rentabook.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}

{{- define "rentabook.containerSecurity" -}}
securityContext: {{- toYaml .Values.containerSecurityContext | nindent 2 }}
{{- end }}

{{/* As they stand in a `from`: `(list $ names)`. */}}
{{- define "rentabook.podsOf" -}}
{{- $root := first . -}}
{{- range last . }}
- podSelector:
    matchLabels: {{- include "rentabook.selector" (list $root .) | nindent 6 }}
{{- end }}
{{- end }}
