/**
 * Kinds and groups of Kubernetes' API that start nothing which serves requests, or that rules look at by themselves.
 * What is in neither list may well run pods: it is named as not checked.
 */
const groups =
  /^(admissionregistration|apiextensions|apiregistration|autoscaling|certificates|coordination|discovery|events|flowcontrol|networking|node|policy|rbac\.authorization|scheduling|snapshot\.storage|storage|gateway\.networking|metrics|resource)(\.k8s\.io)?$|(^|\.)(cert-manager\.io|monitoring\.coreos\.com|operator\.victoriametrics\.com|external-secrets\.io|bitnami\.com|secrets\.hashicorp\.com|secrets-store\.csi\.x-k8s\.io|istio\.io|linkerd\.io|traefik\.io|traefik\.containo\.us|cilium\.io|calico\.org|projectcontour\.io|konghq\.com|configuration\.konghq\.com|getambassador\.io|nginx\.org|cloud\.google\.com|networking\.gke\.io|elbv2\.k8s\.aws|vpcresources\.k8s\.aws|externaldns\.k8s\.io|kyverno\.io|gatekeeper\.sh|keda\.sh|grafana\.integreatly\.org|logging\.banzaicloud\.io|dapr\.io|route\.openshift\.io|image\.openshift\.io|build\.openshift\.io|security\.openshift\.io|knative\.dev|velero\.io|karpenter\.sh|goldilocks\.fairwinds\.com|notification\.toolkit\.fluxcd\.io|source\.toolkit\.fluxcd\.io|image\.toolkit\.fluxcd\.io)$/;
/** Of the core, whose group has no name, and of groups that have others of another sort. */
const kinds = [
  'AnalysisTemplate',
  'AppProject',
  'Binding',
  'ClusterAnalysisTemplate',
  'ConfigMap',
  'Endpoints',
  'Event',
  'HorizontalPodAutoscaler',
  'Ingress',
  'LimitRange',
  'Namespace',
  'NetworkPolicy',
  'Node',
  'PersistentVolume',
  'PersistentVolumeClaim',
  'PodDisruptionBudget',
  'ResourceQuota',
  'Role',
  'RoleBinding',
  'ClusterRole',
  'ClusterRoleBinding',
  'Secret',
  'Service',
  'ServiceAccount',
];
/** In groups of the list above, and they run pods none the less. */
const runners = ['ScaledJob', 'Prometheus', 'Alertmanager'];

/** Reports whether nothing is missed where an object is not looked at for pods. */
export function runsNothing(apiVersion: string, kind: string): boolean {
  if (runners.includes(kind)) return false;
  const group = apiVersion.includes('/') ? apiVersion.split('/')[0]! : '';
  return group === '' ? kinds.includes(kind) : groups.test(group) || kinds.includes(kind);
}
