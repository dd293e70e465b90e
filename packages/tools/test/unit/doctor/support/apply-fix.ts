import { type GracefulShutdownOptions } from 'nestjs-drain';
import { type Document, isMap, isSeq, parse, parseAllDocuments } from 'yaml';
import { type DiagnoseOptions } from '../../../../src/doctor/diagnose.js';
import { type Finding } from '../../../../src/doctor/finding.js';

/** What is looked at: manifests, and what is known besides. */
export interface Input {
  readonly text: string;
  readonly options: DiagnoseOptions;
}

type Path = readonly (string | number)[];

/** `name: value`, where the value is one word, or in brackets. */
const setting = /([a-zA-Z]\w+): (\{(?:[^{}]|\{[^{}]*\})*\}|\[[^\]]*\]|[^\s,;:]+(?=[\s,;.]|$))/g;

/**
 * Does what a fix says, as somebody does who pastes its first proposal. `undefined` for what is no field of a manifest
 * and no option.
 */
export function applied({ text, options }: Input, { object, rule, fix }: Finding): Input | undefined {
  const documents = parseAllDocuments(text.replace(/^---\n/, ''));
  const document = documents.find((each) => nameOf(each) === `${object.kind} ${object.name}`);
  if (!document) return undefined;
  const [first] = fix.split(/,? or (?!rolling)/);
  const ofOptions = first!.includes("module's options");
  const isBoth = /terminationGracePeriodSeconds: .*, and gracePeriodMs/.test(first!);
  let isChanged = false;
  let shutdown: GracefulShutdownOptions = options.shutdown ?? {};
  if (fix.startsWith("Leave lameDuck on 'auto'")) {
    shutdown = { ...shutdown, lameDuck: 'auto' };
    isChanged = true;
  }
  const settings = [...first!.matchAll(setting)].map(([, name, value]) => [name!, value!.replace(/\.$/, '')] as const);
  let { keepAliveMs } = options;
  const [, keeps] = /keepAliveTimeout = (\d+)/.exec(first!) ?? [];
  if (keeps !== undefined) {
    keepAliveMs = Number(keeps);
    isChanged = true;
  }
  for (const [name, value] of settings) {
    if (ofOptions && (!isBoth || name === 'gracePeriodMs') && name in optionNames) {
      shutdown = { ...shutdown, [name]: parse(value) as unknown };
      isChanged = true;
      continue;
    }
    for (const path of pathsOf(document, name, object.container, rule)) {
      document.setIn(path, document.createNode(parse(value)));
      isChanged = true;
    }
    if (name === 'command') document.deleteIn([...containerPath(document, object.container), 'args']);
    if (name === 'httpGet')
      document.deleteIn([...containerPath(document, object.container), 'readinessProbe', 'tcpSocket']);
    if (name === 'maxUnavailable' && object.kind === 'PodDisruptionBudget') document.deleteIn(['spec', 'minAvailable']);
  }
  const [, removed] = /^Remove (\w+)/.exec(fix) ?? [];
  for (const path of removed === undefined ? [] : removals(document, removed, object.container)) {
    isChanged = document.deleteIn(path) || isChanged;
  }
  if (!isChanged) return undefined;
  return { text: documents.map(String).join('---\n'), options: { ...options, shutdown, keepAliveMs } };
}

const optionNames: Readonly<Record<string, true>> = {
  gracePeriodMs: true,
  drainTimeoutMs: true,
  hookTimeoutMs: true,
  lameDuck: true,
  readiness: true,
};

const rollings: Readonly<Record<string, Path>> = {
  Deployment: ['spec', 'strategy', 'rollingUpdate'],
  DeploymentConfig: ['spec', 'strategy', 'rollingParams'],
  Rollout: ['spec', 'strategy', 'canary'],
  StatefulSet: ['spec', 'updateStrategy', 'rollingUpdate'],
  DaemonSet: ['spec', 'updateStrategy', 'rollingUpdate'],
  PodDisruptionBudget: ['spec'],
};

function pathsOf(document: Document, name: string, container: string | undefined, rule: string): readonly Path[] {
  const kind = String(document.get('kind'));
  const own = containerPath(document, container);
  const probe = rule.startsWith('liveness') || rule === 'same-probe' ? 'livenessProbe' : 'readinessProbe';
  switch (name) {
    case 'replicas':
    case 'minReadySeconds':
    case 'externalTrafficPolicy':
      return [['spec', name]];
    case 'maxUnavailable':
    case 'maxSurge':
      return rollings[kind] ? [[...rollings[kind], name]] : [];
    case 'type':
      return [['spec', 'strategy', 'type']];
    case 'terminationGracePeriodSeconds':
      return [[...podPath(document), name]];
    case 'readinessProbe':
    case 'command':
      return [[...own, name]];
    case 'periodSeconds':
    case 'failureThreshold':
    case 'timeoutSeconds':
      return [[...own, probe, name]];
    case 'httpGet':
      return [[...own, probe, name]];
    case 'path':
      return [[...own, probe, 'httpGet', 'path']];
    case 'port':
      return ['readinessProbe', 'livenessProbe']
        .map((each) => [...own, each, 'httpGet', 'port'])
        .filter((path) => document.hasIn(path));
    case 'labelSelector':
      return [[...podPath(document), 'topologySpreadConstraints', 0, 'labelSelector']];
    default:
      return [];
  }
}

function removals(document: Document, name: string, container?: string): readonly Path[] {
  const own = containerPath(document, container);
  const paths: Readonly<Record<string, readonly Path[]>> = {
    preStop: [[...own, 'lifecycle', 'preStop']],
    replicas: [['spec', 'replicas']],
    publishNotReadyAddresses: [['spec', 'publishNotReadyAddresses']],
    it: [
      [...own, 'livenessProbe', 'terminationGracePeriodSeconds'],
      [...own, 'lifecycle', 'preStop'],
      [...podPath(document), 'nodeSelector'],
    ],
  };
  return (paths[name] ?? []).filter((path) => document.hasIn(path));
}

function podPath(document: Document): Path {
  return document.get('kind') === 'Pod' ? ['spec'] : ['spec', 'template', 'spec'];
}

function containerPath(document: Document, name?: string): Path {
  const path = [...podPath(document), 'containers'];
  const containers = document.getIn(path);
  if (!isSeq(containers)) return path;
  const at = containers.items.findIndex((each) => isMap(each) && each.get('name') === name);
  return [...path, Math.max(0, at)];
}

function nameOf(document: Document): string {
  const group = spell(document.get('apiVersion'));
  const kind = `${group.startsWith('serving.knative.dev') ? 'Knative ' : ''}${String(document.get('kind'))}`;
  return `${kind} ${spell(document.getIn(['metadata', 'name'])) || '(unnamed)'}`;
}

function spell(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
