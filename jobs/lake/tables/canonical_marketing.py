"""Datasets of what the company says and shows: campaigns, their numbers, public posts, content."""

from __future__ import annotations

from jobs.lake.tables.canonical_row import canonical
from jobs.lake.tables.contract import Dataset

MARKETING: tuple[Dataset, ...] = (
    canonical(
        "campaign_events",
        "one contact moment of one campaign",
        ("event_id", "type"),
        """
        event_id string id of the event
        campaign_id string the campaign; may be empty for a bounce, complaint or unsubscribe
        channel string email, ad, mail or app; empty for an unsubscribe or complaint that concerns all of them
        type string impression, sent, delivered, open, click, bounce, soft_bounce, complaint, unsubscribe or redeem
        occurred_at* timestamp when it happened
        product_id string product concerned
        ids_of string whose ids and addresses these are, a source; empty for its own. For answers to our messages
    """,
        id="event_id",
        moment="occurred_at",
    ),
    canonical(
        "campaign_stats",
        "one version of what one campaign did in one channel on one day, of nobody known",
        ("campaign_id", "channel", "day", "updated_at"),
        """
        campaign_id string the campaign
        channel string where it was shown: ad, search, social, display, email, mail, app, tv, radio, ...
        day date the day, in the time zone of the ad account
        updated_at timestamp when these numbers were told; platforms correct them for days
        name string name of the campaign
        impressions bigint times it was shown
        reach bigint people it was shown to, as the platform estimates
        clicks bigint clicks on it
        conversions double orders that the platform ascribes to it
        cost decimal(18,2) what it cost
        currency string ISO 4217 code of the cost
    """,
        id="campaign_id",
        versions=True,
        person=False,
    ),
    canonical(
        "social_posts",
        "one version of one public post",
        ("post_id", "updated_at"),
        """
        post_id string id of the post
        updated_at timestamp when this version was written
        posted_at* timestamp when it was posted
        network* string the social network
        author! string author handle
        text! string the text
        likes bigint likes
        shares bigint shares
        comments bigint comments
    """,
        id="post_id",
        moment="posted_at",
        versions=True,
    ),
    canonical(
        "content",
        "one version of one page, article, video or other item of content",
        ("content_id", "updated_at"),
        """
        content_id string id of the item in this source
        updated_at timestamp when this version was written
        kind string article, review, recipe, video, tool, offer, ...
        title string title
        topic string what it is about
        moment string the micro-moment it serves: know, go, do or buy
        stage string the stage it is for: awareness, consideration, purchase, service or loyalty
        need string what the reader wants of it, such as price, taste or convenience
        language string language, ISO 639-1
        url string its address without query string, as events have it
    """,
        id="content_id",
        versions=True,
        person=False,
    ),
)
