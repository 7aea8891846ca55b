import { Migration } from '@mikro-orm/migrations';

export class Erasure extends Migration {
  override up(): void {
    this.addSql('CREATE INDEX delivery_by_customer ON delivery (customer_id, id)');
  }
}
