/**
 * Before the positions of a batch become markers, two doubts are cleared. A batch with a wrong checksum is fetched once
 * more, as its bytes may have been damaged on their way. And the decoder must read a sample of the same codec, as the
 * fault may be in this process.
 */
import { type Codec, unpack } from './codecs.ts';

/** Batches that could not be read when they were fetched for the first time. */
const suspects = new Set<string>();
/** More at once are no single batches, and nothing here may grow without end. */
const SUSPECTS_MAX = 1_000;

/** Whether a damaged batch was fetched before; if not, stop before it, and fetch it once more. */
export function wasFetchedBefore(place: string): boolean {
  if (suspects.has(place)) return true;
  if (suspects.size >= SUSPECTS_MAX) suspects.clear();
  suspects.add(place);
  return false;
}

/** @throws Error if the decoder cannot read its own sample: then no batch is to blame. */
export async function assertDecoderWorks(codec: Codec): Promise<void> {
  const read = await unpack(codec, SAMPLES[codec], SAMPLE_TEXT.length).then(
    (bytes) => bytes.toString('latin1'),
    (error: Error) => error.message,
  );
  if (read === SAMPLE_TEXT) return;
  throw new Error(
    `The decoder of ${codec} data does not read its own sample (${read}): nothing compressed can be read`,
  );
}

/** The batch lies before the reader's position: another reader starts without suspicion. */
export function passed(place: string): void {
  suspects.delete(place);
}

const SAMPLE_TEXT = 'conax conax conax conax';
const SAMPLES: Readonly<Record<Codec, Buffer>> = {
  none: Buffer.from(SAMPLE_TEXT),
  gzip: Buffer.from('H4sIAAAAAAAAA0vOz0usUEhGJwGcyrf+FwAAAA==', 'base64'),
  zstd: Buffer.from('KLUv/SAXZQAAMGNvbmF4IAEAmUsR', 'base64'),
  // 23 bytes: the literal "conax ", then a copy of 17 bytes from 6 bytes back.
  snappy: Buffer.concat([Buffer.from([23, 5 << 2]), Buffer.from('conax '), Buffer.from([((17 - 1) << 2) | 2, 6, 0])]),
  // A frame of independent blocks of up to 64 KB: one that is stored as it is.
  lz4: Buffer.concat([Buffer.from('04224d1860400017000080', 'hex'), Buffer.from(SAMPLE_TEXT), Buffer.alloc(4)]),
};
