import 'uplot/dist/uPlot.min.css';
import { Box, Group, Text, useComputedColorScheme } from '@mantine/core';
import { useEffect, useMemo, useRef } from 'react';
import UPlot from 'uplot';

export interface Line {
  readonly label: string;
  /** A colour of the theme, such as `blue`. */
  readonly color: string;
  readonly values: readonly (number | null)[];
  /** Drawn as dashes, so that colour is not the only difference. */
  readonly dashed?: boolean;
}

const HEIGHT = 150;
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

/** Lines over time. People who do not see it hear the newest and the highest value of each line. */
export function Chart({
  label,
  unit,
  times,
  lines,
}: {
  label: string;
  unit: string;
  times: readonly string[];
  lines: readonly Line[];
}) {
  const scheme = useComputedColorScheme('light');
  const data = useMemo<UPlot.AlignedData>(
    () => [times.map((at) => Date.parse(at) / 1_000), ...lines.map(({ values }) => [...values])],
    [times, lines],
  );
  const heard = lines.map(({ label: name, values }) => {
    const known = values.filter((value) => value !== null);
    return `${name}: now ${values.at(-1) ?? 'none'}, at most ${known.length === 0 ? 'none' : Math.max(...known)}`;
  });
  return (
    <Box>
      <Group gap="md" mb={4}>
        <Text size="sm" fw={600}>
          {label}, {unit}
        </Text>
        {lines.map(({ label: name, color, dashed = false }) => (
          <Text key={name} size="xs">
            <span style={{ color: `var(--mantine-color-${color}-filled)` }} aria-hidden>
              {dashed ? '┄┄' : '──'}
            </span>{' '}
            {name}
          </Text>
        ))}
      </Group>
      <div role="img" aria-label={`${label}, ${unit}. ${heard.join('; ')}`} style={{ height: HEIGHT }}>
        {/* Its colours are those of the scheme in which it was drawn. */}
        <Drawing
          key={scheme}
          data={data}
          styles={JSON.stringify(lines.map(({ color, dashed = false }) => [color, dashed]))}
        />
      </div>
    </Box>
  );
}

/** `styles`: the colour of each line and whether it is dashed, as JSON. */
function Drawing({ data, styles }: { data: UPlot.AlignedData; styles: string }) {
  const holder = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  useEffect(() => {
    const element = holder.current;
    if (element === null) return;
    const colorOf = (name: string): string => getComputedStyle(element).getPropertyValue(`--mantine-color-${name}`);
    const axis = { stroke: colorOf('dimmed'), grid: { stroke: colorOf('default-border'), width: 1 }, size: 44 };
    const sizeOf = (): { width: number; height: number } => ({
      width: Math.max(element.clientWidth, 100),
      height: HEIGHT,
    });
    const drawn = new UPlot(
      {
        ...sizeOf(),
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_self, _low, high) => [0, Math.max(1, high * 1.1)] } },
        axes: [{ ...axis, size: 28, values: (_self, moments) => moments.map((at) => CLOCK.format(at * 1_000)) }, axis],
        series: [
          {},
          ...(JSON.parse(styles) as [string, boolean][]).map(([color, dashed]) => ({
            stroke: colorOf(`${color}-filled`),
            width: 2,
            points: { show: false },
            ...(dashed ? { dash: [6, 4] } : {}),
          })),
        ],
      },
      [[]],
      element,
    );
    chart.current = drawn;
    const watch = new ResizeObserver(() => drawn.setSize(sizeOf()));
    watch.observe(element);
    return () => {
      watch.disconnect();
      drawn.destroy();
    };
  }, [styles]);
  useEffect(() => chart.current?.setData(data), [data]);
  return <div ref={holder} />;
}
