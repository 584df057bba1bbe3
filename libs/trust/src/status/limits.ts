/** How long a permissive status lives after the leader's last beat that is known to be in the control log. */
export const STATUS_LEASE_MS = 5_000;

/** A leader that has not seen a beat of its own come back for this long signs nothing permissive any more. */
export const LEADER_LEASE_MS = 2_000;

/** Most that two clocks of healthy machines drift apart, as a share: 200 parts per million. */
export const CLOCK_DRIFT = 200e-6;

/** How often a guard asks for the leader's time, although nothing seems wrong. Keeps the drift's part of the bound below 6 ms. */
export const NONCE_EVERY_MS = 30_000;

/** How often a leader renews its status. */
export const RENEWAL_MS = 1_000;

/** A guard that has heard nothing for this long asks: core NATS may have dropped the one SAFE. */
export const SILENCE_MS = 2 * RENEWAL_MS;

/** Least time between two questions of one guard, so that a silent leader is not flooded. */
export const NONCE_PAUSE_MS = 500;

/** Questions of one guard that may be open at once; more would mean that none is answered. */
export const NONCES_OPEN_MAX = 8;

/** Largest step of the epoch that is believed: a thief of a status key shall not use up the numbers. */
export const EPOCH_STEP_MAX = 2 ** 20;

/** A leader whose two clocks have parted by more than this since its election no longer knows its time line. */
export const CLOCKS_PARTED_MAX_MS = 500;

/** Bytes of one signed message, certificates included: a status of a few hundred artifacts takes about 50 kB. */
export const ENVELOPE_BYTES_MAX = 512 * 1024;

/** Failures that a status names one by one; further ones stand in the log and are found there. */
export const FAILURES_NAMED_MAX = 64;

/** Closed failures that a status names. A guard that waits for an older one announces it again, which moves it to the end of the list. */
export const RESOLVED_NAMED_MAX = 256;

/** Releases of operators that a status carries along. */
export const RELEASES_CARRIED_MAX = 4;

/** Failures that a guard remembers at most; beyond, it stays safe and the oldest are forgotten last. */
export const LATCHES_MAX = 1_024;

/** How often a leader writes a beat into the control log: four chances within its lease. */
export const BEAT_MS = 500;
