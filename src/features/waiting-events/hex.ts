const BYTES_A_LINE = 16;

/** Formats at most `bytesMax` bytes for people: offset, hexadecimal and printable ASCII. */
export function hexLines(bytes: Buffer, bytesMax = 4_096): string[] {
  const shown = bytes.subarray(0, bytesMax);
  const lines: string[] = [];
  for (let at = 0; at < shown.length; at += BYTES_A_LINE) {
    const line = shown.subarray(at, at + BYTES_A_LINE);
    const hex = line.toString('hex').replaceAll(/(..)(?=.)/g, '$1 ');
    const text = line.toString('latin1').replaceAll(/[^ -~]/g, '.');
    lines.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(BYTES_A_LINE * 3 - 1)}  ${text}`);
  }
  if (bytes.length > shown.length) lines.push(`… ${bytes.length - shown.length} more bytes`);
  return lines;
}
