import { basename } from 'node:path';
import { readManifests } from '../read/manifests.js';
import { type Format } from './format.js';

export const kubernetes: Format = {
  id: 'manifests',
  title: 'Kubernetes manifests, rendered; of Knative, OpenShift and Argo Rollouts, too',
  files: "YAML or JSON that speaks of a 'kind'",
  usual: [],
  recognises: ({ name, text }) =>
    /^kustomization\.ya?ml$/.test(basename(name)) || /(^|[{,])\s*(- )?["']?(kind|apiVersion)["']?\s*:/m.test(text),
  read: readManifests,
};
