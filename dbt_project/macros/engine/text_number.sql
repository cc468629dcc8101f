{# Returns a whole number of about 64 bits that stands for the text, from its md5. #}
{% macro text_number(text) -%} {{ adapter.dispatch("text_number")(text) }} {%- endmacro %}

{% macro duckdb__text_number(text) -%}
    cast(md5_number_lower({{ text }}) as hugeint)
{%- endmacro %}

{% macro spark__text_number(text) -%}
    cast(conv(substring(md5({{ text }}), 1, 15), 16, 10) as decimal(38, 0))
{%- endmacro %}
