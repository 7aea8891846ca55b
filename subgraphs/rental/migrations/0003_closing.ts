import { Migration } from '@mikro-orm/migrations';

export class CreateClosing extends Migration {
  override up(): void {
    this.addSql('ALTER TABLE customer ADD COLUMN closed_at timestamptz(3)');
  }
}
