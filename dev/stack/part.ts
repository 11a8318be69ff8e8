/** The three servers of the local stack, in the order in which they are reported. */
export const PART_NAMES = ['postgres', 'kafka', 'registry'] as const;
export type PartName = (typeof PART_NAMES)[number];

/** Whether the environment named a part, or which way it was started. */
export type How = 'given' | 'container' | 'native';

/** Stops and starts one running part on the same address, with its data kept: for outage tests. */
export type PartControl = {
  /** Asks the server to end and waits until it is gone. */
  stop(): Promise<void>;
  /** Ends the server without asking, as a crash does. */
  kill(): Promise<void>;
  /** Starts it again and waits until it is ready. */
  start(): Promise<void>;
};

/** A part that runs. `url` is what a client is given; `address` the same for people, without a password. */
export type RunningPart = {
  readonly url: string;
  readonly address: string;
  readonly control: PartControl;
  /** Ends the part for good. Never throws for a part that is already gone. */
  close(): Promise<void>;
};

export type PrintLine = (line: string) => void;

/** Takes the settings that a server would start with, and returns those that it starts with. */
export type ChangeSettings = (settings: Readonly<Record<string, string>>) => Readonly<Record<string, string>>;

/** What a starter needs to know about the stack that it starts a part of. */
export type PartContext = {
  /** Where this part keeps its data, a directory that does not exist yet or holds that of an earlier stack. */
  readonly directory: string;
  /** False: the directory outlives the stack, so the data must survive a power cut and a clean stop is worth its time. */
  readonly throwAway: boolean;
  /** What a supervisor removes when this process has died: the whole stack's data, so that the last one leaves nothing. */
  readonly removeWhenOrphaned: readonly string[];
  readonly print: PrintLine;
  /** Changes the settings of a Kafka that is started natively. */
  readonly kafkaSettings: ChangeSettings;
  readonly env: NodeJS.ProcessEnv;
};
