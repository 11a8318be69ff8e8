import type { ReactNode } from 'react';

/** Names and values below each other. What is undefined is left out; null is shown as a dash. */
export function Facts({ rows }: { rows: readonly (readonly [string, ReactNode])[] }) {
  return (
    <dl className="facts">
      {rows
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="breaks">{value ?? '–'}</dd>
          </div>
        ))}
    </dl>
  );
}
