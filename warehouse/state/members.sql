-- members: everyone a source names, by profile or only as an actor or assignee (then without a name).
select entity_id as member_id, source, fields->>'name' as name, fields->>'username' as username, fields->>'kind' as kind
from known where entity_type = 'member'
