import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
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
