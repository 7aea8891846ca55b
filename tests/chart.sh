#!/usr/bin/env bash
# Checks the chart as the tools of operators see it: helm lint, kube-score, helm-docs, promtool; with a cluster (KUBECONFIG) also
# kubeconform against its API and a dry run of every values file in a namespace with the restricted Pod Security Standard.
# Needs helm and go, and with a cluster kubectl. The other tools are built once, in ${CHART_TOOLS:-.cache/chart}.
#   tests/chart.sh          everything that can be done here
#   tests/chart.sh --write  writes helm/README.md anew, instead of complaining that it is not what the values say
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(realpath -m "${CHART_TOOLS:-.cache/chart}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH="$tools:$PWD/node_modules/.bin:$PATH"
mkdir -p "$tools"

tool() { [ -x "$tools/$1" ] || GOBIN=$tools CGO_ENABLED=0 go install "$2"; }
tool kubeconform github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0
tool kube-score github.com/zegl/kube-score/cmd/kube-score@v1.20.0
tool helm-docs github.com/norwoodj/helm-docs/cmd/helm-docs@v1.14.2
tool promtool github.com/prometheus/prometheus/cmd/promtool@v0.316.0

# By name, what `helm template` is given. Without a cluster it has to be told for which Kubernetes.
declare -A installs=(
  [trial]='--set evaluation.enabled=true'
  [production]='--values helm/values-production.yaml'
  [everything]='--values tests/helm/everything.yaml'
)
kubernetes=${KUBERNETES:-1.37.2}

echo '== helm lint'
helm lint --strict --quiet helm --values helm/values-production.yaml
helm lint --strict --quiet helm --set evaluation.enabled=true

echo '== helm template'
for name in "${!installs[@]}"; do
  # shellcheck disable=SC2086 # they are words
  helm template rentabook helm --namespace shop --kube-version "$kubernetes" ${installs[$name]} > "$work/$name.yaml"
done
node tests/helm/rendered.ts "$work"/*.yaml
checksum() { helm template rentabook helm --kube-version "$kubernetes" --set evaluation.enabled=true | grep checksum/secrets: | sort -u; }
if [ "$(checksum)" = "$(checksum)" ]; then
  echo 'Pods do not hear of keys that are made anew.'
  exit 1
fi

echo '== kube-score'
# A limit of CPU would hold up the event loop of a process that the node has time for.
for name in "${!installs[@]}"; do
  kube-score score --kubernetes-version "v${kubernetes%.*}" --ignore-container-cpu-limit --exit-one-on-warning --output-format ci "$work/$name.yaml" > "$work/score" || {
    grep -v '^\[\(OK\|SKIPPED\)\]' "$work/score"
    exit 1
  }
done

echo '== promtool'
promtool check rules --lint=all helm/alerts.yaml > /dev/null
promtool test rules helm/alerts.test.yaml > /dev/null

echo '== helm-docs'
cp -r helm "$work/helm"
helm-docs --chart-search-root "$work/helm" --sort-values-order file --log-level warning
if [ "${1:-}" = --write ]; then cp "$work/helm/README.md" helm/README.md; fi
diff helm/README.md "$work/helm/README.md"

if [ -z "${KUBECONFIG:-}" ]; then
  echo 'No KUBECONFIG: kubeconform and the dry run were left out.'
  exit 0
fi

echo '== the definitions of others'
crds() { (cd "$work" && go mod download -json "$1" | sed -n 's/.*"Dir": "\(.*\)".*/\1/p'); }
operator=$(crds github.com/prometheus-operator/prometheus-operator@v0.85.0)/example/prometheus-operator-crd
gateway=$(crds sigs.k8s.io/gateway-api@v1.6.3)/config/crd/standard
kubectl apply --server-side --filename "$operator/monitoring.coreos.com_servicemonitors.yaml" \
  --filename "$operator/monitoring.coreos.com_prometheusrules.yaml" --filename "$gateway/gateway.networking.k8s.io_httproutes.yaml" > /dev/null
kubectl wait --for condition=established --timeout 30s crd/servicemonitors.monitoring.coreos.com crd/prometheusrules.monitoring.coreos.com crd/httproutes.gateway.networking.k8s.io > /dev/null

echo '== kubeconform'
schemas() { kubectl get --raw /openapi/v2 > "$work/openapi.json" && node tests/helm/schemas.ts "$work/openapi.json" "$work/schemas"; }
for _ in 1 2 3 4 5 6 7 8 9 10; do
  schemas
  [ -e "$work/schemas/httproute-gateway-v1.json" ] && break
  sleep 2 # they are published a moment after they are established
done
kubeconform -strict -summary -schema-location "$work/schemas/{{.ResourceKind}}{{.KindSuffix}}.json" "$work"/*.yaml

echo '== dry run on the server'
namespace=chart-check-$$
kubectl create namespace "$namespace" > /dev/null
trap 'kubectl delete namespace "$namespace" --wait=false > /dev/null; rm -rf "$work"' EXIT
kubectl create serviceaccount rentabook --namespace "$namespace" > /dev/null # a Pod is refused without it, and a dry run makes none
kubectl label namespace "$namespace" pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/warn=restricted > /dev/null
for name in "${!installs[@]}"; do
  # shellcheck disable=SC2086
  helm template rentabook helm --namespace "$namespace" --kube-version "$kubernetes" ${installs[$name]} |
    kubectl apply --server-side --namespace "$namespace" --dry-run=server --filename - > "$work/applied" 2> "$work/warnings" || { cat "$work/warnings"; exit 1; }
  if [ -s "$work/warnings" ]; then cat "$work/warnings"; exit 1; fi
  echo "$name: $(wc -l < "$work/applied") objects accepted without a warning"
done
