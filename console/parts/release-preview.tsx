import { List, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useCall } from '../api/use-call.ts';
import { commandCounts, commandText } from './command.ts';
import { Loaded } from './states.tsx';

const TYPING_MS = 400;

/** What the release of an event would send now, or why it cannot be released. */
export function ReleasePreview({ id, whose, schema }: { id: number; whose: string; schema: number | undefined }) {
  const [schemaId] = useDebouncedValue(schema, TYPING_MS);
  const query = useCall('events.preview', { id, schema_id: schemaId });
  return (
    <Loaded query={query} lines={3}>
      {({ commands, withheld }) => (
        <Stack gap="xs" mih={80}>
          <Text>
            This processes 1 event{whose} after all, and sends{' '}
            {commands.length === 0 ? 'nothing' : commandCounts(commands.map(({ type }) => type))}. It undoes nothing
            that is newer.
          </Text>
          <List size="sm" className="breaks">
            {commands.map((command) => (
              <List.Item key={commandText(command)}>{commandText(command)}</List.Item>
            ))}
            {withheld.map((one) => (
              <List.Item key={`${one.type} ${one.smartcard_ca_id} ${one.service_ca_id} ${one.reason}`}>
                withheld: {one.type} {one.service_ca_id}: {one.reason}. {one.detail}
              </List.Item>
            ))}
          </List>
        </Stack>
      )}
    </Loaded>
  );
}
