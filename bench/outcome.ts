/** What a benchmark comes to; main.ts adds its name and the machine. */
export interface Outcome {
  /** How many times as much as the rival does. */
  ratio: number;
  /** The rival, measured in the same run. */
  against: string;
  figures: object;
  /** Versions of the servers it ran on. */
  servers: Record<string, string>;
}
