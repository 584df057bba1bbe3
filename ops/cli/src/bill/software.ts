import { type Lockfile, type LockedPackage, nameOf } from './lockfile.ts';

/** The software's bill of materials: CycloneDX 1.6, one component for each package of the lockfile. The same lockfile gives the same bill. */
export function softwareBom(lockfile: Lockfile): object {
  const { '': root, ...packages } = lockfile.packages;
  const paths = Object.keys(packages).filter((path) => packages[path]?.link !== true);
  const refs = new Map(paths.map((path) => [path, `npm:${path}`]));
  const main = `npm:${lockfile.name}`;
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: { type: 'application', 'bom-ref': main, name: lockfile.name, version: lockfile.version } },
    components: paths.map((path) => componentOf(path, packages[path] ?? {})),
    dependencies: [
      { ref: main, dependsOn: dependenciesOf('', root ?? {}, lockfile, refs) },
      ...paths.map((path) => ({ ref: `npm:${path}`, dependsOn: dependenciesOf(path, packages[path] ?? {}, lockfile, refs) })),
    ],
  };
}

function componentOf(path: string, locked: LockedPackage) {
  const { version = '0.0.0', license, integrity, dev, optional } = locked;
  const name = nameOf(path, locked);
  return {
    type: 'library',
    'bom-ref': `npm:${path}`,
    name,
    version,
    scope: dev === true ? 'excluded' : optional === true ? 'optional' : 'required',
    purl: purlOf(name, version),
    ...hashesOf(integrity),
    ...(license !== undefined && { licenses: [{ license: { name: license } }] }),
    // As CycloneDX's own names for npm say.
    properties: [{ name: 'cdx:npm:package:path', value: path }],
  };
}

/** package-url, type npm: the scope is a namespace, its @ encoded. */
function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.split('/').map(encodeURIComponent).join('/')}@${encodeURIComponent(version)}`;
}

/** Subresource integrity: algorithm and base64, several with spaces. */
const ALGORITHMS: Readonly<Record<string, string>> = { sha1: 'SHA-1', sha256: 'SHA-256', sha384: 'SHA-384', sha512: 'SHA-512' };

function hashesOf(integrity: string | undefined) {
  const hashes = (integrity ?? '').split(' ').flatMap((word) => {
    const [, algorithm = '', digest = ''] = /^([a-z0-9]+)-([A-Za-z0-9+/=]+)$/.exec(word) ?? [];
    const alg = Object.hasOwn(ALGORITHMS, algorithm) ? ALGORITHMS[algorithm] : undefined;
    return alg === undefined ? [] : [{ alg, content: Buffer.from(digest, 'base64').toString('hex') }];
  });
  return hashes.length === 0 ? {} : { hashes };
}

function dependenciesOf(
  path: string,
  locked: LockedPackage,
  lockfile: Lockfile,
  refs: ReadonlyMap<string, string>,
): readonly string[] {
  const names = [locked.dependencies, locked.optionalDependencies, locked.devDependencies].flatMap((each) =>
    Object.keys(each ?? {}),
  );
  const found = names.map((name) => refs.get(resolved(path, name, lockfile) ?? ''));
  return [...new Set(found.filter((ref) => ref !== undefined))].toSorted();
}

/** Where Node finds a package from there: the nearest node_modules upwards; a link leads to a workspace. */
function resolved(from: string, name: string, { packages }: Lockfile): string | undefined {
  for (let folder: string | undefined = from; folder !== undefined; folder = parentOf(folder)) {
    const path = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const there = Object.hasOwn(packages, path) ? packages[path] : undefined;
    if (there) return there.link === true ? there.resolved : path;
  }
  return undefined;
}

/** undefined above the root. */
function parentOf(folder: string): string | undefined {
  if (folder === '') return undefined;
  const at = folder.lastIndexOf('/');
  return at === -1 ? '' : folder.slice(0, at);
}
