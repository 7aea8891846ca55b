import { useState } from 'react';
import { useSend } from '../client/hooks.ts';
import { wordsOf } from '../language/language.ts';
import type { UserError } from '../language/refusals.ts';
import { download } from '../pieces/download.ts';
import { Button, Faults, useFaults } from '../pieces/form.tsx';
import { Problem } from '../pieces/states.tsx';
import { ExportMyDataDocument } from './account.generated.ts';

const useWords = wordsOf({
  en: {
    title: 'A copy of my data',
    what: 'Everything that the shop holds about you, as one JSON file.',
    get: 'Download my data',
    done: 'The file is being downloaded.',
  },
  ko: {
    title: '내 데이터 내려받기',
    what: '서점이 보관하는 회원님의 모든 정보를 JSON 파일 하나로 드립니다.',
    get: '내려받기',
    done: '파일을 내려받고 있습니다.',
  },
});

export function Export() {
  const words = useWords();
  const { send, sending, error } = useSend(ExportMyDataDocument);
  const [errors, setErrors] = useState<readonly UserError[]>([]);
  const [done, setDone] = useState(false);
  const { rest } = useFaults(errors, []);

  return (
    <section className="card" aria-labelledby="export">
      <h2 id="export">{words.title}</h2>
      <p>{words.what}</p>
      <Faults of={rest} />
      <Problem error={error} />
      <p role="status">{done && words.done}</p>
      <Button
        busy={sending}
        onClick={async () => {
          const data = await send({});
          if (!data) return;
          const { json, userErrors } = data.exportMyData;
          setErrors(userErrors);
          if (json) download('rentabook.json', 'application/json', json);
          setDone(json !== null);
        }}
      >
        {words.get}
      </Button>
    </section>
  );
}
