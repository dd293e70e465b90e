import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { metrics, prometheusName } from '../../../src/metrics/metrics.js';

describe('docs/metrics.md', () => {
  it('has a row for each metric there is, with its names, kind, unit and label, and for no other', () => {
    const page = readFileSync('docs/metrics.md', 'utf8');
    const rows = [...page.matchAll(/^\| `nestjs_drain\..*\|$/gm)].map(([row]) =>
      row.split('|').map((cell) => cell.trim()),
    );
    expect(rows.map((cells) => cells.slice(1, 6))).toEqual(
      metrics.map((metric) => [
        `\`${metric.name}\``,
        `\`${prometheusName(metric)}\``,
        metric.type.replace('up-down-', 'up-down '),
        metric.unit,
        metric.label === undefined ? '' : `\`${metric.label}\``,
      ]),
    );
  });
});

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: string }[] };
}

describe('docs/grafana-dashboard.json', () => {
  const { panels, templating } = JSON.parse(readFileSync('docs/grafana-dashboard.json', 'utf8')) as Dashboard;
  const queries = [
    ...panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
    ...templating.list.filter(({ name }) => name !== 'datasource').map(({ query }) => query),
  ];
  const queried = queries.flatMap((query) => query.match(/nestjs_drain_\w+/g) ?? []);

  it('queries metrics that exist', () => {
    const names = metrics.map(prometheusName);
    expect(queried.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('shows each of them', () => {
    expect(metrics.map(prometheusName).filter((name) => !queried.includes(name))).toEqual([]);
  });

  it('tells values apart by labels that the metric has', () => {
    for (const query of queries) {
      const [, label] = /by \((?:instance, )?(\w+)\)/.exec(query) ?? [];
      if (label === undefined || label === 'instance') continue;
      const metric = metrics.find((each) => query.includes(prometheusName(each)));
      expect({ query, label }).toEqual({ query, label: metric?.label });
    }
  });
});
