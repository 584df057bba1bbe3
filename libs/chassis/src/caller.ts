/** On whose behalf a call runs. Travels with every hop in metadata `x-smartlite-*`. */
export interface Caller {
  readonly user: string;
  readonly tenant: string;
  /** Regions that may see the request's data; empty: every region of the pack's policy. */
  readonly regions: readonly string[];
  /** May make diagnostic calls in safe mode. */
  readonly operator: boolean;
}
