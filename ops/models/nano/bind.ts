import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readThresholds } from './evaluate.ts';

const PACK = new URL('../../MODEL_PACK.json', import.meta.url);
const SIZES = { lite: '1.0M', standard: '5.3M' } as const;
type Size = keyof typeof SIZES;
interface Named {
  readonly id: string;
}
/** An entry as it is written into the pack; its schema is checked when the pack is read. */
type Entry = Named & Readonly<Record<string, unknown>>;
interface Pack {
  readonly artifacts: readonly Named[];
  readonly models: readonly Named[];
  readonly llm_tiers: { readonly tiers: Readonly<Record<string, object>> };
}

/** `node bind.ts`: writes the committed nano models, their digests and thresholds into the pack, and binds them to their tiers. */
function main(): void {
  const pack = JSON.parse(readFileSync(PACK, 'utf8')) as Pack;
  const made = (Object.keys(SIZES) as Size[]).filter((size) => existsSync(new URL(`nano-${size}.gguf`, import.meta.url)));
  const others = (all: readonly Named[]) => all.filter(({ id }) => !id.startsWith('nano-'));
  const [largest = 'lite'] = made.toReversed();
  const bytes = `${JSON.stringify(
    {
      ...pack,
      artifacts: [...others(pack.artifacts), vocabulary(), ...made.map(weights)],
      models: [...others(pack.models), ...made.map(model)],
      llm_tiers: { ...pack.llm_tiers, tiers: { ...pack.llm_tiers.tiers, lite: tier('lite', 48), standard: tier(largest, 64) } },
    },
    null,
    2,
  )}\n`;
  writeFileSync(new URL(`${PACK.href}.new`), bytes);
  renameSync(new URL(`${PACK.href}.new`), PACK);
}

function weights(size: Size): Entry {
  return { id: `nano-${size}-weights`, path: `nano-${size}/nano-${size}.gguf`, role: 'weights', format: 'gguf', ...pinned(`nano-${size}.gguf`) };
}

function vocabulary(): Entry {
  return { id: 'nano-vocabulary', path: 'nano-vocabulary/vocabulary.txt', role: 'vocabulary', format: 'data', ...pinned('vocabulary.txt') };
}

function pinned(file: string): object {
  const bytes = readFileSync(new URL(file, import.meta.url));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { size: bytes.length, sha256, licence: 'Apache-2.0', source: { kind: 'file', path: `models/nano/${file}` } };
}

function model(size: Size): Entry {
  const { unknownShareMax, meanLogProbMin } = readThresholds(size);
  return {
    id: `nano-${size}`,
    service: 'llm',
    engine: 'gguf',
    artifacts: [`nano-${size}-weights`, 'nano-vocabulary'],
    architecture: `LLaMA, ${SIZES[size]} parameters, float16`,
    licence: 'Apache-2.0',
    settings: {
      threads: 1,
      context_tokens: 256,
      dialect: 'nano',
      decline: { unknown_share_max: unknownShareMax, mean_log_prob_min: meanLogProbMin },
    },
  };
}

function tier(size: Size, answer: number): object {
  return {
    token_budget: { prompt: 192, answer },
    candidates: [
      { model: `nano-${size}`, role: 'primary' },
      { model: 'phrasebook', role: 'fallback' },
    ],
  };
}

main();
