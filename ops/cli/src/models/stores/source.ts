import type { Artifact } from '@smartlite/trust';

/** Where fetched bytes may lie until they are checked, and what the fetch may tell. */
export interface Landing {
  /** Folder for unchecked bytes; never served from. */
  readonly downloads: string;
  /** The pack's folder: file sources are relative to it. */
  readonly packFolder: string;
  readonly signal: AbortSignal;
  /** Told as bytes arrive. */
  readonly onBytes: (bytes: number, label: string) => void;
}

/** The unchecked file of an artifact in the downloads folder: named by the digest that it is to have. */
export function partialOf(landing: Landing, artifact: Artifact): string {
  return `${landing.downloads}/${artifact.sha256}.partial`;
}
