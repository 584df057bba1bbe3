import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, read, readSources } from './sources.ts';

const promtool = (...words: string[]) => execFileSync('promtool', words, { cwd: join(ROOT, 'ops'), encoding: 'utf8' });

describe('the Prometheus alerts', () => {
  it('are rules that Prometheus takes', () => {
    expect(promtool('check', 'rules', 'alerts.yaml')).toMatch(/SUCCESS/);
  });

  it('fire when they should and are silent when all is well', () => {
    expect(promtool('test', 'rules', 'alerts.test.yaml')).toMatch(/SUCCESS/);
  });

  it('name only metrics that the services have', () => {
    const code = readSources()
      .filter(({ path }) => !path.endsWith('.test.ts'))
      .map(({ text }) => text)
      .join('\n');
    const named = [...read('ops/alerts.yaml').text.matchAll(/\bsmartlite_([a-z_]+?)(?:_count|_bucket|_sum)?(?=[{[)])/g)].map(
      ([, name]) => name,
    );
    expect(named.length).toBeGreaterThan(5);
    expect([...new Set(named)].filter((name) => !code.includes(`'${name}'`))).toEqual([]);
  });
});
