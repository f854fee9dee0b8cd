{{- define "keybearer.names" -}}
app.kubernetes.io/name: {{ .Values.name }}
app.kubernetes.io/part-of: keybearer
{{- end }}

{{- define "keybearer.labels" -}}
{{ include "keybearer.names" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "keybearer.secret" -}}
{{ .Values.certificates.secretName | default (printf "%s-secret" .Values.name) }}
{{- end }}

{{- define "keybearer.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- /* What the webhook reads: the values' configuration, and what only the chart knows. */ -}}
{{- define "keybearer.config" -}}
{{- $ours := dict "serviceName" .Values.name "secretName" (include "keybearer.secret" .) "certDir" "/etc/webhook/certs" -}}
{{- $webhook := .Values.config.webhook | default dict -}}
{{- range $key, $_ := $webhook -}}
{{- /* Names in Flyte's sections match in any case. */ -}}
{{- if has (lower $key) (list "servicename" "serviceport" "secretname" "certdir" "localcert" "listenport") -}}
{{- fail (printf "config.webhook.%s can't be set: the chart sets it, from `name` and `certificates`" $key) -}}
{{- end -}}
{{- end -}}
{{- toYaml (merge (dict "webhook" (merge $ours $webhook)) .Values.config) -}}
{{- end }}

{{- /* What the schema can't say. */ -}}
{{- define "keybearer.checks" -}}
{{- $v := .Values -}}
{{- if and $v.ha.enabled $v.vpa.enabled (has "cpu" $v.vpa.controlledResources) -}}
{{- fail "ha and vpa would both act on CPU, one against the other: set vpa.controlledResources to [memory], or leave one of them out" -}}
{{- end -}}
{{- if and $v.ha.enabled (gt (int $v.ha.minReplicas) (int $v.ha.maxReplicas)) -}}
{{- fail (printf "ha.minReplicas is %d, more than ha.maxReplicas, %d" (int $v.ha.minReplicas) (int $v.ha.maxReplicas)) -}}
{{- end -}}
{{- if and $v.ha.enabled (not (dig "requests" "cpu" "" $v.resources)) -}}
{{- fail "ha measures CPU against resources.requests.cpu, which is not set" -}}
{{- end -}}
{{- if and (eq $v.certificates.mode "given") (not $v.certificates.secretName) -}}
{{- fail "certificates.mode is given, so certificates.secretName has to name your Secret" -}}
{{- end -}}
{{- if and $v.certificates.issuerRef (ne $v.certificates.mode "cert-manager") -}}
{{- fail "certificates.issuerRef is set, but certificates.mode is not cert-manager" -}}
{{- end -}}
{{- end }}

{{- define "keybearer.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "keybearer.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* Where a pod of ours may run. */ -}}
{{- define "keybearer.placement" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
