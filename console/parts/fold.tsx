import './fold.css';
import { type ReactNode, useState } from 'react';

/** Something that is shown, and read, only after a person opens it. */
export function Fold({ summary, children }: { summary: ReactNode; children: ReactNode }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="fold" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{summary}</summary>
      {isOpen && <div className="folded">{children}</div>}
    </details>
  );
}
