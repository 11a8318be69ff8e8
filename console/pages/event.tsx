import { Title } from '@mantine/core';

export function EventPage() {
  return <Title order={1}>Event</Title>;
}
