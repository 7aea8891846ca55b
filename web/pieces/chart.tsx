/** Numbers as a picture, and as a table for who would rather read them. Bars are pale, lines dark: it needs no colour. */
import { type RefObject, useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useLanguage, wordsOf } from '../language/language.ts';
import './chart.css';

const useWords = wordsOf({ en: { numbers: 'Numbers' }, ko: { numbers: '수치 보기' } });

export interface Series {
  name: string;
  kind: 'bars' | 'line' | 'dashes';
  /** One for each label; null where there is none. */
  values: readonly (number | null)[];
}

interface ChartProps {
  title: string;
  /** What the labels are, such as days. */
  along: string;
  labels: readonly string[];
  series: readonly Series[];
  format(value: number): string;
}

const HEIGHT_PX = 180;
const MOST_POINTS = 31;

export function Chart(props: ChartProps) {
  const { title, along, labels, series, format } = props;
  const words = useWords();
  const [pointed, setPointed] = useState<number | null>(null);
  const [open, setOpen] = useState(false);
  const canvas = usePlot(props, setPointed);
  const at = pointed !== null && pointed < labels.length ? pointed : labels.length - 1;
  const valueAt = ({ values }: Series, place: number) => {
    const value = values[place];
    return value === null || value === undefined ? '–' : format(value);
  };

  return (
    <figure className="chart">
      <figcaption>
        <strong>{title}</strong>
        <span className="reading">
          {labels[at]}
          {series.map((one) => (
            <span key={one.name}>
              <span className={`key ${one.kind}`} /> {one.name} <b>{valueAt(one, at)}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={canvas} className="plot" aria-hidden="true" />
      <details onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary aria-label={`${words.numbers}: ${title}`}>{words.numbers}</summary>
        {open && (
          <div className="table">
            <table>
              <thead>
                <tr>
                  <th scope="col">{along}</th>
                  {series.map(({ name }) => (
                    <th key={name} scope="col" className="number">
                      {name}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {labels.map((label, place) => (
                  <tr key={label}>
                    <th scope="row">{label}</th>
                    {series.map((one) => (
                      <td key={one.name} className="number">
                        {valueAt(one, place)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </details>
    </figure>
  );
}

/** Draws into the element, anew where it has other lines or another size, and in other colours when the light changes. */
function usePlot(props: ChartProps, point: (place: number | null) => void): RefObject<HTMLDivElement> {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>();
  const latest = useRef(props);
  latest.current = props;
  const language = useLanguage();
  const kinds = props.series.map(({ kind }) => kind).join(' ');

  // biome-ignore lint/correctness/useExhaustiveDependencies: another language has labels of other widths
  useEffect(() => {
    const parent = element.current;
    if (!parent) return;
    const drawn = new uPlot(optionsOf(parent, latest, point), dataOf(latest.current), parent);
    plot.current = drawn;
    const resized = new ResizeObserver(() => drawn.setSize({ width: parent.clientWidth, height: HEIGHT_PX }));
    resized.observe(parent);
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const redraw = () => drawn.redraw(false, true);
    dark.addEventListener('change', redraw);
    return () => {
      dark.removeEventListener('change', redraw);
      resized.disconnect();
      drawn.destroy();
    };
  }, [kinds, language, point]);

  useEffect(() => plot.current?.setData(dataOf(props)));
  return element;
}

const dataOf = ({ labels, series }: ChartProps): uPlot.AlignedData => [
  labels.map((_, place) => place),
  ...series.map(({ values }) => [...values]),
];

function optionsOf(
  parent: HTMLElement,
  latest: { current: ChartProps },
  point: (place: number | null) => void,
): uPlot.Options {
  const colour = (name: string) => () => getComputedStyle(parent).getPropertyValue(name).trim();
  const font = `12px ${getComputedStyle(parent).fontFamily}`;
  const isWhole = latest.current.series.every(({ values }) => values.every((value) => Number.isInteger(value ?? 0)));
  const axis = { stroke: colour('--soft'), font, ticks: { show: false } };
  return {
    width: parent.clientWidth,
    height: HEIGHT_PX,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false } },
    scales: {
      x: { time: false, range: () => [-0.5, latest.current.labels.length - 0.5] },
      y: { range: (_plot, low, high) => [Math.min(0, low ?? 0), (high && high > 0 ? high : 1) * 1.1] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 28,
        space: (plot) => 12 + widest(plot, font, latest.current.labels),
        incrs: [1, 2, 5, 7, 10, 15, 30, 60, 150],
        values: (_plot, places) => places.map((place) => latest.current.labels[place] ?? ''),
      },
      {
        ...axis,
        grid: { stroke: colour('--line'), width: 1 },
        incrs: stepsFrom(isWhole ? 0 : -3),
        values: (_plot, values) => values.map((value) => latest.current.format(value)),
        size: (plot, values) => 12 + widest(plot, font, values ?? []),
      },
    ],
    series: [{}, ...latest.current.series.map(({ kind }) => lookOf(kind, colour))],
    hooks: { setCursor: [({ cursor }) => point(cursor.idx ?? null)] },
  };
}

/** 1, 2, 5, 10, 20 … times this power of ten: no finer than `format` tells. */
const stepsFrom = (power: number): number[] =>
  Array.from({ length: 12 }, (_, more) => [1, 2, 5].map((step) => step * 10 ** (power + more))).flat();

function widest({ ctx }: uPlot, font: string, texts: readonly string[]): number {
  ctx.save();
  ctx.font = font;
  const widths = texts.map((text) => ctx.measureText(text).width);
  ctx.restore();
  return Math.max(0, ...widths);
}

function lookOf(kind: Series['kind'], colour: (name: string) => () => string): uPlot.Series {
  if (kind === 'line') return lineIn(colour('--ink'));
  if (kind === 'dashes') return { ...lineIn(colour('--fault')), dash: [5, 4] };
  const bars = uPlot.paths.bars?.({ size: [0.7, 40] });
  return {
    stroke: colour('--accent'),
    fill: colour('--bar'),
    width: 1,
    points: { show: false },
    ...(bars && { paths: bars }),
  };
}

/** With a point at each value where there are not too many, so that a lonely one is seen. */
const lineIn = (stroke: () => string): uPlot.Series => ({
  stroke,
  width: 2,
  points: { show: ({ data: [places] }) => places.length <= MOST_POINTS, fill: stroke, size: 5 },
});
