with refreshes as (select * from {{ ref("stg_refreshes") }}), final as (select * from refreshes)

select *
from final
