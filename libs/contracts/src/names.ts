/** The services of the mesh, in the order in which `npm start` starts them. */
export const SERVICES = ['audit', 'verifier', 'budget', 'asr', 'llm', 'tts', 'gateway'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Modes of an instance and of the fleet; what each allows stands in the contract. */
export const MODES = ['starting', 'normal', 'safe', 'halted'] as const;
export type Mode = (typeof MODES)[number];
