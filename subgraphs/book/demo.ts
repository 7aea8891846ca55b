/** The catalogue that an empty shop begins with when RENTABOOK_DEMO is on: sixty classics in the public domain. */
import { type EntityManager, query, transaction } from '#platform/database.ts';
import { newBook } from './catalogue.ts';
import { Book } from './entities.ts';
import { acquire } from './stock.ts';

type DemoBook = [
  title: string,
  author: string | null,
  /** Negative for years BCE. */
  publishedYear: number | null,
  language: string,
  tags: string[],
  /** Minor units, written for KRW. */
  fee: number,
  copies: number,
];

const books: DemoBook[] = [
  ['Pride and Prejudice', 'Jane Austen', 1813, 'en', ['novel', 'love', 'society'], 3000, 8],
  ['Emma', 'Jane Austen', 1815, 'en', ['novel', 'love', 'society'], 3000, 4],
  ['Jane Eyre', 'Charlotte Brontë', 1847, 'en', ['novel', 'love', 'gothic'], 3000, 5],
  ['Wuthering Heights', 'Emily Brontë', 1847, 'en', ['novel', 'love', 'gothic'], 3000, 4],
  ['Great Expectations', 'Charles Dickens', 1861, 'en', ['novel', 'society'], 3500, 4],
  ['A Tale of Two Cities', 'Charles Dickens', 1859, 'en', ['novel', 'history'], 3500, 4],
  ['A Christmas Carol', 'Charles Dickens', 1843, 'en', ['novella', 'ghosts'], 2000, 6],
  ['Frankenstein; or, The Modern Prometheus', 'Mary Shelley', 1818, 'en', ['novel', 'gothic', 'science'], 3000, 6],
  ['Dracula', 'Bram Stoker', 1897, 'en', ['novel', 'gothic'], 3000, 5],
  ['The Strange Case of Dr Jekyll and Mr Hyde', 'Robert Louis Stevenson', 1886, 'en', ['novella', 'gothic'], 2500, 4],
  ['Treasure Island', 'Robert Louis Stevenson', 1883, 'en', ['novel', 'adventure', 'sea'], 2500, 5],
  ["Alice's Adventures in Wonderland", 'Lewis Carroll', 1865, 'en', ['children', 'fantasy'], 2500, 8],
  ['The Wonderful Wizard of Oz', 'L. Frank Baum', 1900, 'en', ['children', 'fantasy'], 2500, 4],
  ['The Adventures of Sherlock Holmes', 'Arthur Conan Doyle', 1892, 'en', ['stories', 'crime'], 3000, 6],
  ['The Hound of the Baskervilles', 'Arthur Conan Doyle', 1902, 'en', ['novel', 'crime'], 3000, 4],
  ['The Time Machine', 'H. G. Wells', 1895, 'en', ['novella', 'science'], 2500, 4],
  ['The War of the Worlds', 'H. G. Wells', 1898, 'en', ['novel', 'science'], 2500, 4],
  ['The Picture of Dorian Gray', 'Oscar Wilde', 1890, 'en', ['novel', 'gothic'], 3000, 5],
  ['Heart of Darkness', 'Joseph Conrad', 1899, 'en', ['novella', 'travel'], 2500, 3],
  ['Moby-Dick; or, The Whale', 'Herman Melville', 1851, 'en', ['novel', 'adventure', 'sea'], 3500, 3],
  ['The Scarlet Letter', 'Nathaniel Hawthorne', 1850, 'en', ['novel', 'history'], 3000, 3],
  ['Adventures of Huckleberry Finn', 'Mark Twain', 1884, 'en', ['novel', 'adventure'], 3000, 5],
  ['Little Women', 'Louisa May Alcott', 1868, 'en', ['novel', 'family'], 3000, 5],
  ['Walden', 'Henry David Thoreau', 1854, 'en', ['essays', 'nature'], 3000, 3],
  ['Leaves of Grass', 'Walt Whitman', 1855, 'en', ['poems'], 2500, 2],
  ['Hamlet', 'William Shakespeare', 1603, 'en', ['play', 'tragedy'], 2000, 6],
  ["A Midsummer Night's Dream", 'William Shakespeare', 1600, 'en', ['play', 'comedy'], 2000, 4],
  ['On the Origin of Species', 'Charles Darwin', 1859, 'en', ['science', 'nature'], 4000, 2],
  ['Les Misérables', 'Victor Hugo', 1862, 'fr', ['novel', 'history', 'society'], 4000, 4],
  ['Vingt mille lieues sous les mers', 'Jules Verne', 1870, 'fr', ['novel', 'adventure', 'sea'], 3000, 4],
  ['Madame Bovary', 'Gustave Flaubert', 1857, 'fr', ['novel', 'society'], 3000, 3],
  ['El ingenioso hidalgo don Quijote de la Mancha', 'Miguel de Cervantes', 1605, 'es', ['novel', 'comedy'], 4000, 4],
  ['Faust', 'Johann Wolfgang von Goethe', 1808, 'de', ['play', 'tragedy'], 3000, 3],
  ['Die Verwandlung', 'Franz Kafka', 1915, 'de', ['novella'], 2500, 4],
  ['Преступление и наказание', 'Фёдор Достоевский', 1866, 'ru', ['novel', 'crime'], 3500, 4],
  ['Анна Каренина', 'Лев Толстой', 1878, 'ru', ['novel', 'love', 'society'], 4000, 4],
  ['吾輩は猫である', '夏目漱石', 1905, 'ja', ['novel', 'comedy'], 3000, 3],
  ['红楼梦', '曹雪芹', 1791, 'zh', ['novel', 'family'], 4000, 3],
  ['Ὀδύσσεια', 'Ὅμηρος', -720, 'grc', ['epic', 'adventure', 'sea'], 3500, 3],
  ['De rerum natura', 'Titus Lucretius Carus', -55, 'la', ['poems', 'nature'], 3500, 2],

  ['진달래꽃', '김소월', 1925, 'ko', ['시', '사랑'], 2500, 6],
  ['하늘과 바람과 별과 시', '윤동주', 1948, 'ko', ['시'], 2500, 8],
  ['님의 침묵', '한용운', 1926, 'ko', ['시', '사랑'], 2500, 4],
  ['날개', '이상', 1936, 'ko', ['단편', '도시'], 2000, 5],
  ['동백꽃', '김유정', 1936, 'ko', ['단편', '농촌', '사랑'], 2000, 5],
  ['운수 좋은 날', '현진건', 1924, 'ko', ['단편', '도시'], 2000, 6],
  ['메밀꽃 필 무렵', '이효석', 1936, 'ko', ['단편', '농촌'], 2000, 6],
  ['벙어리 삼룡이', '나도향', 1925, 'ko', ['단편', '사랑'], 2000, 3],
  ['상록수', '심훈', 1935, 'ko', ['장편', '농촌'], 3000, 4],
  ['무정', '이광수', 1917, 'ko', ['장편', '사랑'], 3500, 4],
  ['탁류', '채만식', 1937, 'ko', ['장편', '도시'], 3500, 3],
  ['감자', '김동인', 1925, 'ko', ['단편'], 2000, 4],
  ['인간문제', '강경애', 1934, 'ko', ['장편'], 3000, 3],
  ['홍길동전', '허균', 1612, 'ko', ['고전', '모험'], 2500, 5],
  ['구운몽', '김만중', 1687, 'ko', ['고전', '사랑'], 3000, 4],
  ['열하일기', '박지원', 1780, 'ko', ['고전', '여행'], 4000, 3],
  ['난중일기', '이순신', 1598, 'ko', ['고전', '역사'], 3500, 4],
  ['한중록', '혜경궁 홍씨', 1795, 'ko', ['고전', '역사'], 3500, 3],
  ['삼국유사', '일연', 1281, 'ko', ['고전', '역사'], 4000, 3],
  ['춘향전', null, null, 'ko', ['고전', '사랑'], 2500, 5],
];

/** Makes the titles and their copies, once: where there is any book already it does nothing. */
export function makeDemoCatalogue(em: EntityManager, currency: string): Promise<void> {
  return transaction(em, async (em) => {
    await query(em, "SELECT pg_advisory_xact_lock(hashtext('rentabook demo catalogue'))"); // replicas start together
    if (await em.count(Book)) return;
    const arrivals = books.map(([title, author, publishedYear, language, tags, fee, copies]) => ({
      book: newBook(em, {
        title,
        authors: author ? [author] : [],
        publishedYear,
        language,
        tags,
        feeAmount: fee,
        feeCurrency: currency,
        popularity: 0,
      }),
      count: copies,
    }));
    await acquire(em, arrivals, { reason: 'demo' });
  });
}
