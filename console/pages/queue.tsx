import { Title } from '@mantine/core';

export function QueuePage() {
  return <Title order={1}>Queue</Title>;
}
