{# Returns the instant that lies the grace before as_of: who was last seen by then counts as gone. #}
{% macro grace_start() -%} {{ days_before(as_of(), var("grace_days")) }} {%- endmacro %}
