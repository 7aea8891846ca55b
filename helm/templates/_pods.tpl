{{/* What of a service's values says where its pods run: `(list $ name service)`. */}}
{{- define "rentabook.scheduling" -}}
{{- $selector := include "rentabook.selector" (list (index . 0) (index . 1)) -}}
{{- $service := last . -}}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - topologyKey: {{ . }}
    maxSkew: 1
    whenUnsatisfiable: ScheduleAnyway
    matchLabelKeys: [pod-template-hash]
    labelSelector:
      matchLabels: {{- $selector | nindent 8 }}
  {{- end }}
  {{- with $service.topologySpreadConstraints }}{{ toYaml . | nindent 2 }}{{ end }}
{{ include "rentabook.placing" $service }}
{{- end }}

{{- define "rentabook.placing" -}}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end }}

{{/* A pod that runs a command of operate/ once: `(list $ file env)`. What the services have beside their own, it has as well. */}}
{{- define "rentabook.commandPod" -}}
{{- $root := first . -}}
{{- $defaults := $root.Values.defaults -}}
serviceAccountName: {{ include "rentabook.serviceAccount" $root }}
{{ include "rentabook.podSecurity" $root.Values.podSecurityContext }}
{{ include "rentabook.placing" $defaults }}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
containers:
  - name: command
    image: {{ include "rentabook.image" $root | quote }}
    imagePullPolicy: {{ $root.Values.image.pullPolicy }}
    command: [node, {{ index . 1 }}]
    env:
      {{- include "rentabook.env.process" $root | nindent 6 }}
      {{- include (last .) $root | trim | nindent 6 }}
      {{- with $defaults.extraEnv }}{{ toYaml . | nindent 6 }}{{ end }}
    envFrom:
      - configMapRef: {name: {{ include "rentabook.fullname" $root }}}
      {{- with $defaults.extraEnvFrom }}{{ toYaml . | nindent 6 }}{{ end }}
    resources: {{- toYaml $root.Values.commands.resources | nindent 6 }}
    {{- include "rentabook.containerSecurity" $root | nindent 4 }}
    {{- with $defaults.extraVolumeMounts }}
    volumeMounts: {{- toYaml . | nindent 6 }}
    {{- end }}
{{- with $defaults.extraVolumes }}
volumes: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
What a pod's settings come from, `(list $ name)`. Secrets of the operator's are looked at when the release is changed.
*/}}
{{- define "rentabook.checksums" -}}
{{- $root := first . -}}
checksum/config: {{ include "rentabook.tuning" $root | sha256sum }}
checksum/secrets: {{ include "rentabook.secretsState" $root | sha256sum }}
{{- if or (eq (last .) "customer") (and $root.Values.config.OIDC_ISSUER (ne (last .) "sandbox")) }}
checksum/superuser: {{ include "rentabook.superuserState" $root | sha256sum }}
{{- end }}
{{- end }}

{{- define "rentabook.secretsState" -}}
{{- include "rentabook.given" . }}
{{- include "rentabook.madeData" . }}
{{- .Values.database | toJson }}
{{- range include "rentabook.existingSecrets" . | fromYaml | values | uniq | compact | sortAlpha }}
{{ dig "data" dict (lookup "v1" "Secret" $.Release.Namespace .) | toJson }}
{{- end }}
{{- end }}

{{- define "rentabook.superuserState" -}}
{{- with .Values.superuser.existingConfigMap -}}
{{ dig "data" dict (lookup "v1" "ConfigMap" $.Release.Namespace .) | toJson }}
{{- else -}}
{{ .Values.superuser.names | toJson }}
{{- end }}
{{- end }}

{{/*
Checks of kube-score that do not fit, here or of this kind, `(list "Deployment")`: the images' own users are below 10,000; a tag is
never moved, so what is there need not be pulled; where databases, bank and mail servers are is the operator's to say, so
nothing is said of egress; one replica is the default of a trial; pods are spread by topologySpreadConstraints; a server's only
pod is reached by a Service with an address, which does not change when the pod does.
*/}}
{{- define "rentabook.scoreIgnore" -}}
{{- $every := list "container-security-context-user-group-id" "container-image-pull-policy" "pod-networkpolicy" -}}
{{- $more := dict
  "Deployment" (list "deployment-replicas" "deployment-has-host-podantiaffinity")
  "HorizontalPodAutoscaler" (list "horizontalpodautoscaler-replicas")
  "StatefulSet" (list "statefulset-has-servicename") -}}
kube-score/ignore: {{ concat $every (get $more . | default list) | join "," }}
{{- end }}
