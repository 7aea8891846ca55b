import { Migration } from '@mikro-orm/migrations';

export class FeeFacts extends Migration {
  override up(): void {
    // Fees that are there keep their explanation alone: the facts are in its words.
    this.addSql('ALTER TABLE fee ADD COLUMN copies int, ADD COLUMN days_late int, ADD COLUMN cause text');
  }
}
