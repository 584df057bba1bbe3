import type { Pack } from './pack.ts';

/** The models' bill of materials: CycloneDX 1.6 with one machine-learning-model component for each model. The same pack gives the same bill. */
export function mlBom(pack: Pack): object {
  const artifacts = new Map(pack.artifacts.map((artifact) => [artifact.id, artifact]));
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', name: `smartlite-pack-${pack.name}`, version: pack.version } },
    components: pack.models.map((model) => ({
      type: 'machine-learning-model',
      'bom-ref': `model:${model.id}`,
      name: model.id,
      version: pack.version,
      licenses: [{ license: { name: model.licence } }],
      modelCard: { modelParameters: { task: TASKS[model.service], architectureFamily: model.architecture } },
      components: model.artifacts.flatMap((id) => {
        const artifact = artifacts.get(id);
        if (!artifact) return [];
        return [
          {
            type: 'file',
            'bom-ref': `model:${model.id}/${id}`,
            name: artifact.path,
            hashes: [{ alg: 'SHA-256', content: artifact.sha256 }],
            licenses: [{ license: { name: artifact.licence } }],
          },
        ];
      }),
    })),
  };
}

const TASKS: Readonly<Record<Pack['models'][number]['service'], string>> = {
  asr: 'automatic-speech-recognition',
  llm: 'text-generation',
  tts: 'text-to-speech',
};
