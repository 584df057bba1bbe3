import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { listFiles, ROOT, read } from './sources.ts';

const documents = listFiles()
  .filter((path) => path.endsWith('.md'))
  .map(read);

describe('the documents', () => {
  it('link only to what is there', () => {
    const dead = documents.flatMap(({ path, text }) =>
      linksOf(text)
        .filter((target) => !existsSync(join(ROOT, dirname(path), target)))
        .map((target) => `${path} -> ${target}`),
    );
    expect(dead).toEqual([]);
  });

  it('name only npm scripts that exist', () => {
    const { scripts } = JSON.parse(read('package.json').text) as { scripts: Record<string, string> };
    const unknown = documents.flatMap(({ path, text }) =>
      [...text.matchAll(/\bnpm run ([a-z][a-z:-]*)/g)]
        .filter(([, name]) => !Object.hasOwn(scripts, name ?? ''))
        .map(([words]) => `${path}: ${words}`),
    );
    expect(unknown).toEqual([]);
  });
});

/** Targets of links and images that are files of the project, without their anchors. */
function linksOf(text: string): string[] {
  const prose = text.replace(/```[\s\S]*?```/g, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => decodeURI((target ?? '').replace(/#.*$/, '')))
    .filter((target) => target !== '' && !/^[a-z]+:/.test(target));
}
