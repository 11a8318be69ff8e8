import { Button, Code as Block, Group, Text } from '@mantine/core';
import { useRef } from 'react';
import { useTell } from './messages.tsx';

const INDENT_MAX = 40;

/** A SOAP body or a value as JSON: indented to read, copied as it is. */
export function Code({ value, label }: { value: unknown; label: string }) {
  const shown = useRef<HTMLDivElement>(null);
  const tell = useTell();
  const raw = typeof value === 'string' ? value : (JSON.stringify(value, null, 2) ?? '');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(raw);
      tell(`${label} is copied.`);
    } catch {
      // A browser has no clipboard for pages without TLS.
      if (shown.current !== null) getSelection()?.selectAllChildren(shown.current);
      tell('The browser does not let the page copy. The text is selected: press Ctrl+C.', { isError: true });
    }
  };
  return (
    <div>
      <Group justify="space-between" mb={4}>
        <Text size="sm" fw={600}>
          {label}
        </Text>
        <Button size="compact-xs" variant="default" onClick={() => void copy()} aria-label={`Copy ${label}`}>
          Copy
        </Button>
      </Group>
      <Block block ref={shown} className="code" tabIndex={0} role="region" aria-label={label} dir="ltr">
        {pretty(raw)}
      </Block>
    </div>
  );
}

/** XML with each element on its own line; other texts, and what is no XML, stay as they are. */
export function pretty(text: string): string {
  // An element without children stays on one line.
  const parts = text.trim().split(/(?<=>)\s*(?=<[^/])|(?<=(?:<\/[^<>]*|\/)>)\s*(?=<\/)/);
  if (!text.trimStart().startsWith('<') || parts.length === 1) return text;
  let depth = 0;
  return parts
    .map((part) => {
      if (part.startsWith('</')) depth -= 1;
      const line = '  '.repeat(Math.min(Math.max(depth, 0), INDENT_MAX)) + part;
      if (/^<[^!?/]/.test(part) && !/\/>$|<\/[^<]*>$/.test(part)) depth += 1;
      return line;
    })
    .join('\n');
}
