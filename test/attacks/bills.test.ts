import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { readLockfile } from '../../ops/cli/src/bill/lockfile.ts';
import { softwareBom } from '../../ops/cli/src/bill/software.ts';
import { mlBom, parsePack } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (...path: string[]) => readFileSync(join(ROOT, ...path));
const schema = (name: string) => JSON.parse(String(read('test', 'vectors', 'cyclonedx', `${name}.schema.json`))) as object;

function validator() {
  const ajv = new Ajv({ strict: false, validateFormats: true, formats: { 'iri-reference': true, 'idn-email': true } });
  addFormats.default(ajv, ['date-time', 'uri', 'email']);
  return ajv.addSchema(schema('spdx')).addSchema(schema('jsf-0.82')).compile(schema('bom-1.6'));
}

describe('the software’s bill of materials', () => {
  it('is valid by the same schema, names every package of the lockfile once, and each thing it depends on', async () => {
    const lockfile = await readLockfile(join(ROOT, 'package-lock.json'));
    const bill = softwareBom(lockfile) as {
      components: { 'bom-ref': string; name: string; purl: string; hashes?: { alg: string; content: string }[] }[];
      dependencies: { ref: string; dependsOn: string[] }[];
    };
    const validate = validator();
    validate(bill);
    expect(validate.errors ?? []).toEqual([]);
    const refs = bill.components.map((component) => component['bom-ref']);
    const packages = Object.entries(lockfile.packages).filter(([path, { link }]) => path !== '' && link !== true);
    expect(refs.toSorted()).toEqual(packages.map(([path]) => `npm:${path}`).toSorted());
    expect(bill.dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.includes(ref))).toEqual([]);
    const noble = bill.components.find(({ name }) => name === '@noble/secp256k1');
    expect(noble?.purl).toMatch(/^pkg:npm\/%40noble\/secp256k1@\d/);
    expect(noble?.hashes?.[0]).toMatchObject({ alg: 'SHA-512', content: expect.stringMatching(/^[0-9a-f]{128}$/) });
    expect(bill.dependencies.find(({ ref }) => ref === 'npm:libs/trust')?.dependsOn).toContain(
      'npm:node_modules/@noble/secp256k1',
    );
    expect(softwareBom(lockfile)).toEqual(bill);
  });
});

describe('the models’ bill of materials', () => {
  const pack = parsePack(read('ops', 'MODEL_PACK.json'));
  const bill = mlBom(pack);

  it('is valid by CycloneDX’s own schema 1.6', () => {
    const validate = validator();
    validate(bill);
    expect(validate.errors ?? []).toEqual([]);
  });

  it('would not be with a component of no kind', () => {
    expect(validator()({ ...bill, components: [{ type: 'sorcery', name: 'x' }] })).toBe(false);
  });

  it('names every model and the digest of every artifact that a model is made of', () => {
    const text = JSON.stringify(bill);
    for (const model of pack.models) expect(text).toContain(`"bom-ref":"model:${model.id}"`);
    for (const { id, sha256 } of pack.artifacts.filter((each) =>
      pack.models.some(({ artifacts }) => artifacts.includes(each.id)),
    ))
      expect([id, text.includes(sha256)]).toEqual([id, true]);
  });

  it('is the same for the same pack', () => expect(mlBom(parsePack(read('ops', 'MODEL_PACK.json')))).toEqual(bill));
});
