/** Version of the mesh's software, as discovery and telemetry name it. Raised with the root package. */
export const VERSION = '0.1.0';
