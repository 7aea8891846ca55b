{{/*
What each process gets to know: its own secrets, nobody else's (as `wiringOf` of local/services.ts). What only tunes comes
beside it from one ConfigMap. All of these take `$`.
*/}}
{{- define "rentabook.env.router" -}}
{{- $at := include "rentabook.fullname" . -}}
{{ include "rentabook.fromSecret" (list . "ROUTER_KEY") }}
- {name: JWKS_URL, value: "http://{{ $at }}-customer:4000/.well-known/jwks.json"}
{{- range list "book" "rental" "delivery" "customer" }}
- {name: {{ upper . }}_URL, value: "http://{{ $at }}-{{ . }}:4000/graphql"}
{{- end }}
{{- with .Values.payment.publishableKey }}
- {name: STRIPE_PUBLISHABLE_KEY, value: {{ . | quote }}}
{{- end }}
{{- if .Values.config.OIDC_ISSUER }}
{{ include "rentabook.superuser" . }}
{{- end }}
{{- end }}

{{- define "rentabook.env.book" -}}
{{ include "rentabook.env.subgraph" (list . "book") }}
{{ include "rentabook.demo" . }}
{{- end }}

{{- define "rentabook.env.rental" -}}
{{ include "rentabook.env.subgraph" (list . "rental") }}
{{ include "rentabook.fromSecret" (list . "STRIPE_SECRET_KEY") }}
{{ include "rentabook.fromSecret" (list . "STRIPE_WEBHOOK_SECRET") }}
{{- with .Values.payment.url | default (include "rentabook.sandboxUrl" .) }}
- {name: STRIPE_URL, value: {{ . | quote }}}
{{- end }}
{{- end }}

{{- define "rentabook.env.delivery" -}}
{{ include "rentabook.env.subgraph" (list . "delivery") }}
{{ include "rentabook.fromSecret" (list . "CARRIER_KEY") }}
{{ include "rentabook.fromSecret" (list . "CARRIER_WEBHOOK_SECRET") }}
- {name: CARRIER_URL, value: {{ .Values.carrier.url | default (include "rentabook.sandboxUrl" .) | quote }}}
{{- end }}

{{- define "rentabook.env.customer" -}}
{{ include "rentabook.env.subgraph" (list . "customer") }}
{{ include "rentabook.demo" . }}
{{- if not .Values.config.OIDC_ISSUER }}
{{ include "rentabook.fromSecret" (list . "TOKEN_KEYS") }}
{{ include "rentabook.superuser" . }}
{{- end }}
{{- with .Values.notifications.mail.from }}
- {name: SMTP_FROM, value: {{ . | quote }}}
{{ include "rentabook.fromSecret" (list $ "SMTP_URL") }}
{{- end }}
{{- with .Values.notifications.webhook.url }}
- {name: NOTIFY_WEBHOOK_URL, value: {{ . | quote }}}
{{ include "rentabook.fromSecret" (list $ "NOTIFY_WEBHOOK_SECRET") }}
{{- end }}
{{- end }}

{{- define "rentabook.env.sandbox" -}}
{{ include "rentabook.fromSecret" (list . "SANDBOX_DATABASE_URL" "DATABASE_URL") }}
{{ include "rentabook.fromSecret" (list . "STRIPE_SECRET_KEY") }}
{{ include "rentabook.fromSecret" (list . "STRIPE_WEBHOOK_SECRET") }}
{{ include "rentabook.fromSecret" (list . "CARRIER_KEY") }}
{{ include "rentabook.fromSecret" (list . "CARRIER_WEBHOOK_SECRET") }}
- {name: SANDBOX_STRIPE_WEBHOOK_URL, value: "{{ include "rentabook.routerUrl" . }}/webhooks/stripe"}
- {name: SANDBOX_CARRIER_WEBHOOK_URL, value: "{{ include "rentabook.routerUrl" . }}/webhooks/carrier"}
{{- end }}

{{/* Of the commands alone: every database's URL. */}}
{{- define "rentabook.env.databases" -}}
{{- range include "rentabook.owners" . | fromJsonArray }}
{{ include "rentabook.fromSecret" (list $ (printf "%s_DATABASE_URL" (upper .))) }}
{{- end }}
{{- end }}

{{- define "rentabook.env.migrate" -}}
{{ include "rentabook.env.databases" . }}
{{- if include "rentabook.secretOf" (list . "ADMIN_DATABASE_URL") }}
{{ include "rentabook.fromSecret" (list . "ADMIN_DATABASE_URL") }}
{{- end }}
{{- end }}

{{- define "rentabook.env.reconcile" -}}
{{ include "rentabook.env.databases" . }}
{{ include "rentabook.env.nats" . }}
{{- end }}

{{/* Of every process. */}}
{{- define "rentabook.env.process" -}}
- {name: NODE_ENV, value: production}
- {name: APOLLO_TELEMETRY_DISABLED, value: "true"}
{{- end }}

{{/* Of book, rental, delivery and customer: `(list $ name)`. That only the router reaches subgraphs holds for keys as well. */}}
{{- define "rentabook.env.subgraph" -}}
{{- $root := first . -}}
{{ include "rentabook.fromSecret" (list $root (printf "%s_DATABASE_URL" (upper (last .))) "DATABASE_URL") }}
{{ include "rentabook.env.nats" $root }}
- {name: NATS_REPLICAS, value: {{ $root.Values.nats.replicas | quote }}}
{{ include "rentabook.fromSecret" (list $root "ROUTER_KEY") }}
- {name: JWKS_URL, value: "{{ include "rentabook.routerUrl" $root }}/.well-known/jwks.json"}
{{- if $root.Values.config.OIDC_ISSUER }}
{{ include "rentabook.superuser" $root }}
{{- end }}
{{- end }}

{{- define "rentabook.env.nats" -}}
{{ include "rentabook.fromSecret" (list . "NATS_URL") }}
{{- if .Values.nats.credentialsSecret }}
{{ include "rentabook.fromSecret" (list . "NATS_CREDENTIALS") }}
{{- end }}
{{- end }}

{{- define "rentabook.superuser" -}}
- name: SUPERUSER
  valueFrom: {configMapKeyRef: {name: {{ include "rentabook.superuserConfigMap" . }}, key: SUPERUSER}}
{{- end }}

{{- define "rentabook.superuserConfigMap" -}}
{{ .Values.superuser.existingConfigMap | default .Values.superuser.configMap }}
{{- end }}

{{- define "rentabook.demo" -}}
- {name: RENTABOOK_DEMO, value: "{{ ternary "on" "off" (include "rentabook.on" (list . "demo") | eq "true") }}"}
{{- end }}

{{- define "rentabook.routerUrl" -}}
http://{{ include "rentabook.fullname" . }}-router
{{- end }}

{{- define "rentabook.sandboxUrl" -}}
{{ if include "rentabook.on" (list . "sandbox") }}http://{{ include "rentabook.fullname" . }}-sandbox:4000{{ end }}
{{- end }}

{{/* What tunes, as the values or their absence say it: `config` with on and off as words, which YAML reads as true and false. */}}
{{- define "rentabook.tuning" -}}
{{- $trial := ternary "on" "off" .Values.evaluation.enabled -}}
{{- range $name, $value := merge (dict) .Values.config (dict "GRAPHIQL" $trial) }}
{{ $name }}: {{ if kindIs "bool" $value }}{{ ternary "on" "off" $value | quote }}{{ else if kindIs "float64" $value }}{{ int64 $value | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- end }}
