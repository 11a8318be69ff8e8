{{- define "conax.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* The release's name, with the chart's if it does not contain it. 52: a suffix must fit into a name of 63. */}}
{{- define "conax.fullname" -}}
{{- $name := include "conax.name" . }}
{{- $default := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $default .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- end }}

{{- define "conax.selectorLabels" -}}
app.kubernetes.io/name: conax-provisioning
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "conax.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "conax.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "conax.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "conax.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "conax.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{/* A value as an environment variable has it. Helm reads numbers as floats, and would write 1e+06. */}}
{{- define "conax.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ printf "%.0f" . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* The secrets of a command, by setting. `migrate` gets only those that it reads. */}}
{{- define "conax.secrets" -}}
{{- if eq .command "migrate" }}
{{- $own := dict }}
{{- range $setting, $reference := .root.Values.secrets }}
{{- if regexMatch "^(DATABASE|KAFKA|SCHEMA_REGISTRY)_" $setting }}{{ $_ := set $own $setting $reference }}{{ end }}
{{- end }}
{{- toJson (merge (dict) .root.Values.migrate.secrets $own) }}
{{- else }}
{{- toJson .root.Values.secrets }}
{{- end }}
{{- end }}

{{/* Stops with one message if required settings are missing or given twice. */}}
{{- define "conax.checkSettings" -}}
{{- $settings := .Values.settings }}
{{- $mistakes := list }}
{{- range list "DATABASE_URL" "KAFKA_BROKERS" "SCHEMA_REGISTRY_URL" "CONAX_BASE_URL" }}
{{- $file := printf "%s_FILE" . }}
{{- if not (or (hasKey $.Values.secrets .) (get $settings .) (get $settings $file)) }}
{{- $alternative := ternary $file . (eq . "DATABASE_URL") }}
{{- $mistakes = append $mistakes (printf "%s is missing: name its Secret in secrets.%s, or set settings.%s" . . $alternative) }}
{{- end }}
{{- end }}
{{- range $setting, $_ := merge (dict) .Values.secrets .Values.migrate.secrets }}
{{- if or (hasKey $settings $setting) (hasKey $settings (printf "%s_FILE" $setting)) }}
{{- $mistakes = append $mistakes (printf "%s is in settings and in secrets: keep one of them" $setting) }}
{{- end }}
{{- end }}
{{- if and .Values.casDefinition.configMap (or (hasKey $settings "CONAX_MAPPING_FILE") (hasKey .Values.secrets "CONAX_MAPPING_FILE")) }}
{{- $mistakes = append $mistakes "CONAX_MAPPING_FILE and casDefinition.configMap are both set: keep one of them" }}
{{- end }}
{{- with $mistakes }}
{{- fail (printf "\nThese settings are wrong (docs/kubernetes.md describes them):\n  %s" (join "\n  " .)) }}
{{- end }}
{{- end }}

{{/* Environment variables of a command. */}}
{{- define "conax.env" -}}
{{- include "conax.checkSettings" .root }}
{{- if eq .command "serve" }}
- name: HTTP_PORT
  value: "8080"
- name: MANAGEMENT_PORT
  value: "8081"
{{- end }}
{{- range $setting, $value := .root.Values.settings }}
- name: {{ $setting }}
  value: {{ include "conax.text" $value | quote }}
{{- end }}
{{- range $setting, $reference := include "conax.secrets" . | fromJson }}
- name: {{ $setting }}_FILE
  value: /run/secrets/conax/{{ $reference.name }}/{{ $setting }}
{{- end }}
{{- if and (eq .command "serve") .root.Values.casDefinition.configMap }}
- name: CONAX_MAPPING_FILE
  value: /etc/conax/conax.json
{{- end }}
{{- with .root.Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The container of a command, without probes and ports. */}}
{{- define "conax.container" -}}
image: {{ include "conax.image" .root | quote }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
env:
  {{- include "conax.env" . | trim | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  - name: tmp
    mountPath: /tmp
  {{- range $name := include "conax.secretNames" . | fromJsonArray }}
  - name: secret-{{ sha256sum $name | trunc 8 }}
    mountPath: /run/secrets/conax/{{ $name }}
    readOnly: true
  {{- end }}
  {{- if and (eq .command "serve") .root.Values.casDefinition.configMap }}
  - name: cas-definition
    mountPath: /etc/conax
    readOnly: true
  {{- end }}
  {{- with .root.Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "conax.secretNames" -}}
{{- $names := list }}
{{- range include "conax.secrets" . | fromJson }}{{ $names = append $names .name }}{{ end }}
{{- $names | uniq | sortAlpha | toJson }}
{{- end }}

{{/* What the pod of a command has besides its container. */}}
{{- define "conax.pod" -}}
automountServiceAccountToken: false
# The variables that Kubernetes makes of a Service named kafka would look like settings.
enableServiceLinks: false
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
volumes:
  - name: tmp
    emptyDir:
      sizeLimit: {{ .root.Values.tmpSizeLimit }}
  {{- $secrets := include "conax.secrets" . | fromJson }}
  {{- range $name := include "conax.secretNames" . | fromJsonArray }}
  - name: secret-{{ sha256sum $name | trunc 8 }}
    secret:
      secretName: {{ $name }}
      # Readable by any user id, inside this pod only.
      defaultMode: 0444
      items:
        {{- range $setting, $reference := $secrets }}
        {{- if eq $reference.name $name }}
        - key: {{ $reference.key | quote }}
          path: {{ $setting }}
        {{- end }}
        {{- end }}
  {{- end }}
  {{- with .root.Values.casDefinition }}
  {{- if and (eq $.command "serve") .configMap }}
  - name: cas-definition
    configMap:
      name: {{ .configMap }}
      {{- with .items }}
      items:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- end }}
  {{- end }}
  {{- with .root.Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
