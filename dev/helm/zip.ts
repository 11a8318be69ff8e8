import { inflateRawSync } from 'node:zlib';

const END_OF_DIRECTORY = 0x06054b50;
const END_BYTES = 22;
const ENTRY_BYTES = 46;
const LOCAL_HEADER_BYTES = 30;
const STORED = 0;

/** Returns the content of one file of a zip archive (below 4 GB, without encryption). @throws Error if it is not there. */
export function fileOfZip(archive: Buffer, wanted: string): Buffer {
  let end = archive.length - END_BYTES;
  while (end > 0 && archive.readUInt32LE(end) !== END_OF_DIRECTORY) end -= 1;
  let entry = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((at) => archive.readUInt16LE(entry + at)) as [
      number,
      number,
      number,
    ];
    const name = archive.toString('utf8', entry + ENTRY_BYTES, entry + ENTRY_BYTES + nameBytes);
    if (name === wanted) {
      const header = archive.readUInt32LE(entry + 42);
      const start = header + LOCAL_HEADER_BYTES + archive.readUInt16LE(header + 26) + archive.readUInt16LE(header + 28);
      const content = archive.subarray(start, start + archive.readUInt32LE(entry + 20));
      return archive.readUInt16LE(entry + 10) === STORED ? content : inflateRawSync(content);
    }
    entry += ENTRY_BYTES + nameBytes + extraBytes + commentBytes;
  }
  throw new Error(`The archive has no file ${wanted}`);
}
