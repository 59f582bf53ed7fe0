    -- The minutes and slices that are asked for, each with its cost. cost_usd is 0 and is_priced 0 where no price is known.
    slices AS
    (
        SELECT *
        FROM
        (
-- include core/cost
        )
        WHERE ({service:String} = '' OR service = {service:String})
          AND ({model:String} = '' OR model = {model:String})
          AND ({environment:String} = '' OR environment = {environment:String})
    )
