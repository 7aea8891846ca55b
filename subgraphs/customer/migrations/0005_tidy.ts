import { Migration } from '@mikro-orm/migrations';

export class Tidy extends Migration {
  override up(): void {
    this.addSql('DROP TABLE sign_in_attempt'); // no version that may still be running asks for it
  }
}
