/** How the shop does just now, and did in the last weeks. */
import { Link, useSearchParams } from 'wouter';
import { useRead } from '../client/hooks.ts';
import { useFormat } from '../language/format.ts';
import { wordsOf } from '../language/language.ts';
import { Chart } from '../pieces/chart.tsx';
import { Page } from '../pieces/page.tsx';
import { Loading, Problem } from '../pieces/states.tsx';
import { AdmissionGauge } from './admissionGauge.tsx';
import { unmovedFilter, unsettledFilter } from './filters.ts';
import { DailyFiguresDocument, type DailyFiguresQuery, WaitingForStaffDocument } from './today.generated.ts';

const useWords = wordsOf({
  en: {
    title: 'Today',
    waiting: 'Waiting for you',
    stuck: 'Stuck rentals',
    inspecting: 'Copies to inspect',
    figures: 'Today so far',
    requested: 'Requests',
    refused: 'Refused or cancelled',
    issued: 'Copies sent out',
    revenue: 'Revenue',
    overdue: 'Overdue loans',
    owed: 'Fees unpaid',
    daily: 'Day by day',
    span: 'Days shown',
    days: (count: number) => `${count} days`,
    day: 'Day',
    orders: 'Requests a day',
    stockTurn: 'Stock turn',
    turns: 'Times a copy was lent in a year',
    utc: 'Days are from midnight to midnight in UTC.',
    more: (count: string) => `${count} or more`,
  },
  ko: {
    title: '오늘',
    waiting: '처리할 일',
    stuck: '멈춘 대여',
    inspecting: '검수할 책',
    figures: '오늘 현황',
    requested: '대여 신청',
    refused: '거절·취소',
    issued: '출고한 책',
    revenue: '매출',
    overdue: '연체 중인 대여',
    owed: '미납 요금',
    daily: '일별 현황',
    span: '표시 기간',
    days: (count: number) => `${count}일`,
    day: '날짜',
    orders: '일별 대여 신청',
    stockTurn: '재고 회전율',
    turns: '한 권당 연간 대여 횟수',
    utc: '하루는 UTC 자정부터 자정까지입니다.',
    more: (count: string) => `${count}건 이상`,
  },
});

const SPANS = [14, 30];
const FIGURES_MS = 60_000;
const COUNTED = 100;

type Report = NonNullable<DailyFiguresQuery['dailyReports']>[number];

export default function Today() {
  const words = useWords();
  const [params, setParams] = useSearchParams();
  const days = SPANS.find((span) => String(span) === params.get('days')) ?? 14;
  const { data, loading, error, again } = useRead(DailyFiguresDocument, { days }, { everyMs: FIGURES_MS });
  const reports = data?.dailyReports ?? [];

  return (
    <Page title={words.title}>
      <AdmissionGauge />
      <Waiting />
      <Problem error={error} again={again} />
      {loading && <Loading />}
      <Figures of={reports.at(-1)} />
      {reports.length > 0 && (
        <section className="card" aria-labelledby="daily">
          <header className="heading">
            <h2 id="daily">{words.daily}</h2>
            <fieldset className="spans">
              <legend className="visually-hidden">{words.span}</legend>
              {SPANS.map((span) => (
                <label key={span} className="tick">
                  <input
                    type="radio"
                    name="days"
                    checked={span === days}
                    onChange={() => setParams({ days: String(span) }, { replace: true })}
                  />
                  {words.days(span)}
                </label>
              ))}
            </fieldset>
          </header>
          <Days reports={reports} />
          <p className="hint">{words.utc}</p>
        </section>
      )}
    </Page>
  );
}

/** What people have to look at themselves. */
function Waiting() {
  const words = useWords();
  const format = useFormat();
  const variables = { first: COUNTED, unsettled: unsettledFilter, unmoved: unmovedFilter };
  const { data, error, again } = useRead(WaitingForStaffDocument, variables, { everyMs: FIGURES_MS });
  const stuck = countOf(data?.unsettled, data?.unmoved);
  const inspecting = countOf(data?.inspecting);
  const said = ({ count, isMore }: Count) => (isMore ? words.more(format.number(count)) : format.number(count));
  return (
    <section aria-labelledby="waiting">
      <h2 id="waiting">{words.waiting}</h2>
      <Problem error={error} again={again} />
      <ul className="tiles">
        <li>
          <Link href="/rentals" className={stuck?.count ? 'tile notice' : 'tile'}>
            <span>{words.stuck}</span>
            <strong>{stuck ? said(stuck) : '–'}</strong>
          </Link>
        </li>
        <li>
          <Link href="/inspection" className="tile">
            <span>{words.inspecting}</span>
            <strong>{inspecting ? said(inspecting) : '–'}</strong>
          </Link>
        </li>
      </ul>
    </section>
  );
}

interface Count {
  count: number;
  isMore: boolean;
}

type List = { edges: readonly unknown[]; pageInfo: { hasNextPage: boolean } } | null | undefined;

/** Undefined where one of the lists cannot be seen. */
function countOf(...lists: readonly List[]): Count | undefined {
  const seen = lists.filter((list) => list !== null && list !== undefined);
  if (seen.length < lists.length) return undefined;
  return {
    count: seen.reduce((sum, { edges }) => sum + edges.length, 0),
    isMore: seen.some(({ pageInfo }) => pageInfo.hasNextPage),
  };
}

function Figures({ of: report }: { of: Report | undefined }) {
  const words = useWords();
  const format = useFormat();
  if (!report) return null;
  const { requested, rejected, cancelled, copiesIssued, revenue, overdue, feesOutstanding } = report;
  const optional = (count: number | null) => (count === null ? '–' : format.number(count));
  const tiles = [
    [words.requested, format.number(requested)],
    [words.refused, format.number(rejected + cancelled)],
    [words.issued, optional(copiesIssued)],
    [words.revenue, format.money(revenue)],
    [words.overdue, format.number(overdue)],
    [words.owed, format.money(feesOutstanding)],
  ] as const;
  return (
    <section aria-labelledby="figures">
      <h2 id="figures">{words.figures}</h2>
      <dl className="tiles">
        {tiles.map(([name, value]) => (
          <div key={name} className="tile">
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Days({ reports }: { reports: readonly Report[] }) {
  const words = useWords();
  const format = useFormat();
  const labels = reports.map(({ date }) => format.day(date));
  const currency = reports[0]?.revenue.currency ?? 'KRW';
  return (
    <div className="charts">
      <Chart
        title={words.orders}
        along={words.day}
        labels={labels}
        format={format.number}
        series={[
          { name: words.requested, kind: 'bars', values: reports.map(({ requested }) => requested) },
          {
            name: words.refused,
            kind: 'dashes',
            values: reports.map(({ rejected, cancelled }) => rejected + cancelled),
          },
        ]}
      />
      <Chart
        title={words.revenue}
        along={words.day}
        labels={labels}
        format={(amount) => format.money({ amount, currency })}
        series={[{ name: words.revenue, kind: 'bars', values: reports.map(({ revenue }) => revenue.amount) }]}
      />
      <Chart
        title={words.turns}
        along={words.day}
        labels={labels}
        format={(turn) => format.number(Math.round(turn * 1000) / 1000)}
        series={[{ name: words.stockTurn, kind: 'line', values: reports.map(({ stockTurn }) => stockTurn) }]}
      />
    </div>
  );
}
