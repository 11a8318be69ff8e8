import { Title } from '@mantine/core';

export function SchedulesPage() {
  return <Title order={1}>Schedules</Title>;
}
