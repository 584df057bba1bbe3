import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Artifact, convertLatencyProfile, type Pack, profileContradictions } from '@smartlite/trust';
import type { Command } from 'commander';
import { describeChanged, pullPack } from '../models/pull-pack.ts';
import { readLatencyProfile, readPack, readPackAlone } from '../readpack.ts';
import { record } from '../trail/record.ts';
import { findPlace, type Place } from '../up/place.ts';

interface Options {
  readonly pack?: string;
  readonly json?: boolean;
}

/** `smartlite models list|pull|convert-latency-profile` */
export function registerModels(program: Command): void {
  const models = program.command('models').description('models of the pack, where their bytes come from, and fetching them');
  models
    .command('list')
    .description('what serves which tier, under which licence, and from where')
    .option('--pack <file>', 'another pack than the project’s')
    .option('--json', 'print one JSON object')
    .action(listModels);
  models
    .command('pull')
    .description('fetch what is missing; resumable, every byte checked against the pinned digest')
    .option('--pack <file>', 'another pack than the project’s')
    .option('--keep-changed', 'leave files whose bytes have changed since they were fetched, for the verifier to find')
    .option('--json', 'print one JSON object')
    .action(pullModels);
  models
    .command('convert-latency-profile')
    .argument('[file]', 'latency_profile.json of the older form', undefined)
    .description(
      'read latency_profile.json of the older form and print it as the pack writes it; 1 where the pack says something else',
    )
    .option('--pack <file>', 'another pack than the project’s')
    .option('--json', 'print one JSON object')
    .action(convertProfile);
}

async function convertProfile(file: string | undefined, options: Options): Promise<void> {
  const place = findPlace(process.env, options);
  const older = await readLatencyProfile(file ?? join(dirname(place.pack), 'latency_profile.json'));
  const { pack } = await readPackAlone(place.pack);
  const latencyProfile = convertLatencyProfile(older);
  const contradictions = profileContradictions(older, pack);
  if (options.json) console.log(JSON.stringify({ latency_profile: latencyProfile, contradictions }));
  else console.log(JSON.stringify({ latency_profile: latencyProfile }, null, 2));
  for (const each of contradictions) console.error(`Differs from the pack: ${each}.`);
  process.exitCode = contradictions.length > 0 ? 1 : 0;
}

async function pullModels(options: Options & { readonly keepChanged?: boolean }): Promise<void> {
  const place = findPlace(process.env, options);
  const pulled = await pullPack(place, options.keepChanged ? 'keep' : 'replace');
  if (pulled.fetched > 0)
    await record(place, [{ kind: 'operator.command', facts: { command: 'models pull', fetched: pulled.fetched } }]);
  if (options.json) console.log(JSON.stringify(pulled));
  else console.log(`Models: ${pulled.fetched} fetched, ${pulled.present} already there (${place.models}).`);
  for (const line of describeChanged(pulled)) console.error(line);
}

async function listModels(options: Options): Promise<void> {
  const place = findPlace(process.env, options);
  const { pack } = await readPack(place.pack);
  const artifacts = await Promise.all(
    pack.artifacts.map(async (artifact) => ({ ...artifact, present: await isThere(place, artifact) })),
  );
  if (options.json) console.log(JSON.stringify({ pack: pack.name, version: pack.version, models: pack.models, artifacts }));
  else console.log(describe(pack, artifacts));
}

async function isThere(place: Place, artifact: Artifact): Promise<boolean> {
  return (await stat(join(place.models, artifact.path)).catch(() => undefined))?.size === artifact.size;
}

function describe(pack: Pack, artifacts: readonly (Artifact & { readonly present: boolean })[]): string {
  const byId = new Map(artifacts.map((artifact) => [artifact.id, artifact]));
  const lines = pack.models.flatMap((model) => [
    `${model.service.padEnd(4)} ${model.id}  (${model.engine}, ${model.architecture}, ${model.licence})${model.stands_in_for ? `, stands in for ${model.stands_in_for}` : ''}`,
    ...model.artifacts.map((id) => `       ${artifactLine(byId.get(id))}`),
  ]);
  return [`Pack ${pack.name} ${pack.version}`, ...lines].join('\n');
}

function artifactLine(artifact: (Artifact & { readonly present: boolean }) | undefined): string {
  if (artifact === undefined) return '(not in the pack)';
  return `${artifact.present ? 'present' : 'missing'}  ${artifact.path}  ${(artifact.size / 1e6).toFixed(1)} MB  from ${sourceOf(artifact)}`;
}

function sourceOf({ source }: Artifact): string {
  switch (source.kind) {
    case 'npm':
      return `npm package ${source.package}@${source.version}`;
    case 'file':
      return source.path;
    case 'url':
      return source.url;
  }
}
