{{/*
Where each secret stands: in a Secret of the operator's, in `<name>-given` with what the values say, or in `<name>-made` with
what is made once and kept.
*/}}

{{/* A variable from its Secret: `(list $ key)`, or `(list $ key variable)`. */}}
{{- define "rentabook.fromSecret" -}}
{{- $key := index . 1 -}}
- name: {{ last . }}
  valueFrom: {secretKeyRef: {name: {{ include "rentabook.secretOf" (list (first .) $key) }}, key: {{ $key }}}}
{{- end }}

{{/* Name of the Secret that has this key: `(list $ key)`. "" where nobody says. */}}
{{- define "rentabook.secretOf" -}}
{{- $root := first . -}}
{{- $key := last . -}}
{{- $theirs := get (include "rentabook.existingSecrets" $root | fromYaml) $key -}}
{{- if $theirs -}}
{{ $theirs }}
{{- else if hasKey (include "rentabook.given" $root | fromYaml) $key -}}
{{ include "rentabook.fullname" $root }}-given
{{- else if or (has $key (include "rentabook.made" $root | fromJsonArray)) (hasKey (include "rentabook.madeUrls" (list $root dict) | fromYaml) $key) -}}
{{ include "rentabook.fullname" $root }}-made
{{- end }}
{{- end }}

{{/* Key -> the value that names a Secret of the operator's which has it. */}}
{{- define "rentabook.secretValues" -}}
ROUTER_KEY: keys.existingSecret
TOKEN_KEYS: keys.existingSecret
{{- range include "rentabook.owners" . | fromJsonArray }}
{{ upper . }}_DATABASE_URL: database.existingSecret
{{- end }}
ADMIN_DATABASE_URL: database.adminSecret
NATS_URL: nats.existingSecret
NATS_CREDENTIALS: nats.credentialsSecret
STRIPE_SECRET_KEY: payment.existingSecret
STRIPE_WEBHOOK_SECRET: payment.existingSecret
CARRIER_KEY: carrier.existingSecret
CARRIER_WEBHOOK_SECRET: carrier.existingSecret
SMTP_URL: notifications.mail.existingSecret
NOTIFY_WEBHOOK_SECRET: notifications.webhook.existingSecret
{{- end }}

{{/* Key -> name of that Secret; only where one is named. */}}
{{- define "rentabook.existingSecrets" -}}
{{- range $key, $path := include "rentabook.secretValues" . | fromYaml }}
{{- $at := $.Values }}
{{- range splitList "." $path }}{{ $at = get $at . }}{{ end }}
{{- with $at }}
{{ $key }}: {{ . | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Key -> what the values say of it. */}}
{{- define "rentabook.given" -}}
{{- $values := .Values -}}
{{- $said := dict
  "ADMIN_DATABASE_URL" $values.database.adminUrl
  "NATS_URL" $values.nats.url
  "STRIPE_SECRET_KEY" $values.payment.secretKey
  "STRIPE_WEBHOOK_SECRET" $values.payment.webhookSecret
  "CARRIER_KEY" $values.carrier.key
  "CARRIER_WEBHOOK_SECRET" $values.carrier.webhookSecret
  "SMTP_URL" $values.notifications.mail.url
  "NOTIFY_WEBHOOK_SECRET" $values.notifications.webhook.secret -}}
{{- $theirs := include "rentabook.existingSecrets" . | fromYaml -}}
{{- range $key, $value := $said }}
{{- if and $value (not (get $theirs $key)) }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Keys of what is random, and nobody has to invent. */}}
{{- define "rentabook.made" -}}
{{- $made := list "ROUTER_KEY" "TOKEN_KEYS" -}}
{{- if include "rentabook.databaseServer" . }}
{{- range include "rentabook.owners" . | fromJsonArray }}
{{- if not (get $.Values.database.passwords .) }}{{ $made = append $made (printf "%s_DATABASE_PASSWORD" (upper .)) }}{{ end }}
{{- end }}
{{- end }}
{{- if include "rentabook.on" (list . "postgresql") }}{{ $made = append $made "POSTGRES_PASSWORD" }}{{ end }}
{{- if include "rentabook.on" (list . "nats") }}{{ $made = append $made "NATS_PASSWORD" }}{{ end }}
{{- if include "rentabook.on" (list . "sandbox") }}
{{- $made = concat $made (list "STRIPE_SECRET_KEY" "STRIPE_WEBHOOK_SECRET" "CARRIER_KEY" "CARRIER_WEBHOOK_SECRET") }}
{{- end }}
{{- $said := include "rentabook.given" . | fromYaml -}}
{{- $theirs := include "rentabook.existingSecrets" . | fromYaml -}}
{{- $needed := list -}}
{{- range $made }}
{{- if not (or (hasKey $said .) (get $theirs .)) }}{{ $needed = append $needed . }}{{ end }}
{{- end }}
{{- $needed | toJson }}
{{- end }}

{{/* Key -> value of these: what is kept, or what is random and made here. Once for all templates, so that pods know it by its checksum. */}}
{{- define "rentabook.madeData" -}}
{{- if not (hasKey . "Made") }}
{{- $kept := dig "data" dict (lookup "v1" "Secret" .Release.Namespace (printf "%s-made" (include "rentabook.fullname" .))) -}}
{{- $made := dict -}}
{{- range include "rentabook.made" . | fromJsonArray }}
{{- if hasKey $kept . }}
{{- $_ := set $made . (get $kept . | b64dec) }}
{{- else if eq . "TOKEN_KEYS" }}
{{- $_ := set $made . (genPrivateKey "ed25519") }}
{{- else if eq . "STRIPE_SECRET_KEY" }}
{{- $_ := set $made . (printf "sk_test_sandbox_%s" (randAlphaNum 48)) }}
{{- else }}
{{- $_ := set $made . (printf "s%s" (randAlphaNum 47)) }}
{{- end }}
{{- end }}
{{- $_ := set . "Made" $made }}
{{- end }}
{{- .Made | toJson }}
{{- end }}

{{/* Key -> URL with a password of ours in it: `(list $ passwords)`. */}}
{{- define "rentabook.madeUrls" -}}
{{- $root := first . -}}
{{- $made := last . -}}
{{- $database := $root.Values.database -}}
{{- $server := include "rentabook.databaseServer" $root -}}
{{- if $server }}
{{- range include "rentabook.owners" $root | fromJsonArray }}
{{- $key := printf "%s_DATABASE_PASSWORD" (upper .) -}}
{{- $password := get $database.passwords . | default (get $made $key) }}
{{ upper . }}_DATABASE_URL: {{ printf "postgresql://%s:%s@%s/%s%s" . (urlquery $password | replace "+" "%20") $server . (ternary (printf "?%s" $database.parameters) "" (ne $database.parameters "")) | quote }}
{{- end }}
{{- end }}
{{- if and $server (include "rentabook.on" (list $root "postgresql")) }}
ADMIN_DATABASE_URL: {{ printf "postgresql://postgres:%s@%s/postgres" (get $made "POSTGRES_PASSWORD") $server | quote }}
{{- end }}
{{- if include "rentabook.on" (list $root "nats") }}
NATS_URL: {{ printf "nats://rentabook:%s@%s-nats:4222" (get $made "NATS_PASSWORD") (include "rentabook.fullname" $root) | quote }}
{{- end }}
{{- end }}

{{/* Host and port of all databases; "" where a Secret names each by itself. */}}
{{- define "rentabook.databaseServer" -}}
{{- if .Values.database.existingSecret -}}
{{- else if include "rentabook.on" (list . "postgresql") -}}
{{ include "rentabook.fullname" . }}-postgresql:5432
{{- else if .Values.database.host -}}
{{ .Values.database.host }}:{{ .Values.database.port }}
{{- end }}
{{- end }}
