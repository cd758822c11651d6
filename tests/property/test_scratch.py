from collections import Counter, defaultdict
import pytest
from tests.property.test_accuracy import *

del test_known_persons_are_told_apart_and_found_again
pytestmark = [pytest.mark.django_db, pytest.mark.timeout(400)]


def test_scratch():
    told = stream()
    byid = {t.id: t for t in told}
    mine = put_down(told)
    groups = defaultdict(list)
    for m, p in mine.items():
        groups[p].append(m)
    wrong = Counter()
    ex = defaultdict(list)
    total = 0
    for p, ms in groups.items():
        c = Counter(byid[m].person for m in ms)
        major, n = c.most_common(1)[0]
        for m in ms:
            if byid[m].person != major:
                w = len(ms) - c[byid[m].person]
                total += w
                key = tuple(
                    f"{k}{'*' if any(v == byid[m].names[0][1] for _ in (0,)) and False else '@store' if 'store' in v else ''}"
                    for k, v in byid[m].names
                )
                wrong[key] += w
                ex[key].append((p, c.most_common(3), byid[m].names))
    truth = {t.id: t.person for t in told}
    print(accuracy(truth, mine), accuracy(truth, by_what_is_personal(told)))
    print("wrong weight", total)
    for k, w in wrong.most_common(12):
        print(w, k, ex[k][0])
    lost = Counter()
    lim = sql.rows(
        "SELECT kind_id, other_kind_id, verdict, count(*) FROM identity_link WHERE verdict > 0 GROUP BY 1,2,3 ORDER BY 4 DESC"
    )
    print(lim)
    print(sql.rows("SELECT kind_id, value FROM identifier WHERE shared ORDER BY 1,2 LIMIT 60"))
    oracle = by_what_is_personal(told)
    # pairs oracle joins that we don't
    og = defaultdict(set)
    for m, g in oracle.items():
        og[g].add(mine[m])
    split = [g for g, ps in og.items() if len(ps) > 1]
    print("oracle groups that we split", len(split), "of", len(og))
    cause = Counter()
    for g in split[:2000]:
        pers = byid[next(m for m in oracle if oracle[m] == g)] if False else None
    assert 0
