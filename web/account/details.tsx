import { useState } from 'react';
import { useSend } from '../client/hooks.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { Button, Faults, Field, typed, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import { UpdateMeDocument } from './account.generated.ts';

const useWords = wordsOf({
  en: { title: 'Name and e-mail', name: 'Name', email: 'E-mail', save: 'Save', saved: 'Saved.' },
  ko: { title: '이름과 이메일', name: '이름', email: '이메일', save: '저장', saved: '저장되었습니다.' },
});

export function Details({ email, name }: { email: string; name: string }) {
  const words = useWords();
  const { send, sending, error } = useSend(UpdateMeDocument);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const [saved, setSaved] = useState(false);
  const { at, rest } = useFaults(errors, ['name', 'email']);

  return (
    <section className="card" aria-labelledby="details">
      <h2 id="details">{words.title}</h2>
      <form
        onChange={() => setSaved(false)}
        onSubmit={async (event) => {
          const { name = '', email = '' } = typed(event);
          const data = await send({ input: { name, email } });
          if (!data) return;
          setErrors(data.updateMe.userErrors);
          setSaved(!data.updateMe.userErrors.length);
        }}
      >
        <Field
          name="name"
          label={words.name}
          autoComplete="name"
          defaultValue={name}
          required
          maxLength={200}
          error={at('name')}
        />
        <Field
          name="email"
          label={words.email}
          type="email"
          autoComplete="email"
          defaultValue={email}
          required
          error={at('email')}
        />
        <Faults of={rest} />
        <Problem error={error} />
        <p role="status">{saved && words.saved}</p>
        <Button type="submit" busy={sending}>
          {words.save}
        </Button>
      </form>
    </section>
  );
}
