import { Title } from '@mantine/core';

export function ReplaysPage() {
  return <Title order={1}>Replays</Title>;
}
